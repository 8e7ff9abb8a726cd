/** One update of a run of elements; see `adamw`. */
export interface AdamW {
  /** Learning rate of this step. */
  readonly lr: number;
  /** Decoupled weight decay, already 0 where it does not apply. */
  readonly decay: number;
  /** What the gradient is multiplied with: the clipping factor. */
  readonly scale: number;
  /** Of this update, from 1: corrects the bias of moments that began at zero. */
  readonly step: number;
}

const beta1 = 0.9;
const beta2 = 0.999;
const epsilon = 1e-8;

/** What is the same for all elements of an update. */
export const factorsOf = ({ lr, decay, scale, step }: AdamW) => ({
  rate: lr / (1 - beta1 ** step),
  keep: 1 - lr * decay,
  correction: 1 / Math.sqrt(1 - beta2 ** step),
  scale,
});

/**
 * AdamW on the elements [from, to) of `weights`, `first` and `second`, with the gradient of element `from` at
 * `gradients[gradientsFrom]`. Loshchilov and Hutter 2019, algorithm 2, https://arxiv.org/abs/1711.05101; PyTorch's order.
 */
export function adamw(
  state: { readonly weights: Float32Array; readonly first: Float32Array; readonly second: Float32Array },
  from: number,
  to: number,
  gradients: Float32Array,
  gradientsFrom: number,
  settings: AdamW,
): void {
  const { weights, first, second } = state;
  const { rate, keep, correction, scale } = factorsOf(settings);
  const shift = gradientsFrom - from;
  for (let i = from; i < to; i++) {
    const g = gradients[i + shift]! * scale;
    const m = first[i]! + (g - first[i]!) * (1 - beta1);
    const v = second[i]! + (g * g - second[i]!) * (1 - beta2);
    first[i] = m;
    second[i] = v;
    weights[i] = weights[i]! * keep - (rate * m) / (Math.sqrt(v) * correction + epsilon);
  }
}

/** Sum of the squares of the elements [from, to). */
export function squares(values: Float32Array, from: number, to: number): number {
  let a = 0;
  let b = 0;
  let i = from;
  // Two sums: each addition waits for the one before.
  for (; i + 1 < to; i += 2) {
    a += values[i]! * values[i]!;
    b += values[i + 1]! * values[i + 1]!;
  }
  return i < to ? a + b + values[i]! * values[i]! : a + b;
}

/** Share of the peak learning rate at `step` of `steps`, from 1: up in a line over the warm-up, then down to 0. */
export function scheduleAt(step: number, steps: number, warmup: number): number {
  const climb = warmup * steps;
  if (step < climb) return step / climb;
  return steps === climb ? 1 : Math.max(0, (steps - step) / (steps - climb));
}
