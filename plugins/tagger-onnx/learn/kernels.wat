;; The optimiser's loops over an arena's arrays, four floats at a time; each array is a memory of its own, since one holds
;; 4 GiB at most. `at` and `to` are bytes, multiples of 16. `node scripts/kernels.ts` makes kernels-binary.ts of this.
(module
  (import "arena" "weights" (memory $weights 1 65536 shared))
  (import "arena" "first" (memory $first 1 65536 shared))
  (import "arena" "second" (memory $second 1 65536 shared))
  (import "arena" "gradients" (memory $gradients 1 65536 shared))

  ;; AdamW, as adamw.ts has it. rate: lr with the first moment's correction; keep: 1 - lr * decay;
  ;; correction: what the root of the second moment is multiplied with.
  (func (export "update")
    (param $at i32) (param $to i32) (param $rate f32) (param $keep f32) (param $correction f32) (param $scale f32)
    (local $g v128) (local $m v128) (local $v v128)
    (loop $next
      (local.set $g (f32x4.mul (v128.load $gradients (local.get $at)) (f32x4.splat (local.get $scale))))

      ;; m + (g - m) * (1 - beta1)
      (local.set $m (v128.load $first (local.get $at)))
      (local.set $m (f32x4.add (local.get $m)
        (f32x4.mul (f32x4.sub (local.get $g) (local.get $m)) (f32x4.splat (f32.const 0.1)))))
      (v128.store $first (local.get $at) (local.get $m))

      ;; v + (g * g - v) * (1 - beta2)
      (local.set $v (v128.load $second (local.get $at)))
      (local.set $v (f32x4.add (local.get $v)
        (f32x4.mul (f32x4.sub (f32x4.mul (local.get $g) (local.get $g)) (local.get $v)) (f32x4.splat (f32.const 0.001)))))
      (v128.store $second (local.get $at) (local.get $v))

      ;; w * keep - rate * m / (sqrt(v) * correction + epsilon)
      (v128.store $weights (local.get $at)
        (f32x4.sub
          (f32x4.mul (v128.load $weights (local.get $at)) (f32x4.splat (local.get $keep)))
          (f32x4.div
            (f32x4.mul (local.get $m) (f32x4.splat (local.get $rate)))
            (f32x4.add
              (f32x4.mul (f32x4.sqrt (local.get $v)) (f32x4.splat (local.get $correction)))
              (f32x4.splat (f32.const 1e-8))))))
      (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 16))) (local.get $to)))))

  ;; Sum of the squares of gradients, in doubles.
  (func (export "squares") (param $at i32) (param $to i32) (result f64)
    (local $low v128) (local $high v128) (local $four v128) (local $two v128)
    (loop $next
      (local.set $four (v128.load $gradients (local.get $at)))
      (local.set $two (f64x2.promote_low_f32x4 (local.get $four)))
      (local.set $low (f64x2.add (local.get $low) (f64x2.mul (local.get $two) (local.get $two))))
      (local.set $two (f64x2.promote_low_f32x4
        (i8x16.shuffle 8 9 10 11 12 13 14 15 8 9 10 11 12 13 14 15 (local.get $four) (local.get $four))))
      (local.set $high (f64x2.add (local.get $high) (f64x2.mul (local.get $two) (local.get $two))))
      (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 16))) (local.get $to))))
    (local.set $low (f64x2.add (local.get $low) (local.get $high)))
    (f64.add (f64x2.extract_lane 0 (local.get $low)) (f64x2.extract_lane 1 (local.get $low)))))
