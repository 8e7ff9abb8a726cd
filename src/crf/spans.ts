import { beginOf, insideOf, isBegin, typeOf } from "../bio2/index.ts";
import type { Crf } from "./crf.ts";
import { infer } from "./marginals.ts";
import { createWorkspace, plain, type Workspace } from "./workspace.ts";

/** Words `[start, end)` and the number of their type. */
export interface Span {
  readonly start: number;
  readonly end: number;
  readonly type: number;
}

/** The mentions of a legal tag path, left to right. */
export function spansOf(path: ArrayLike<number>, steps: number): Span[] {
  const spans: Span[] = [];
  for (let i = 0; i < steps; i++) {
    if (!isBegin(path[i]!)) continue;
    const type = typeOf(path[i]!);
    let end = i + 1;
    while (end < steps && path[end] === insideOf(type)) end++;
    spans.push({ start: i, end, type });
  }
  return spans;
}

/**
 * Probability that exactly these words are a mention of this type: B-t, then I-t up to the end, and no I-t after it.
 * A forward pass along the span between alpha and beta of the pass that `infer` made last. 0 to 1.
 */
export function inferredSpanProbability(ws: Workspace, steps: number, span: Span): number {
  const p = ws.inLogSpace ? spanInLogSpace(ws, steps, span) : spanScaled(ws, steps, span);
  return Math.min(1, Math.max(0, p));
}

function spanScaled(ws: Workspace, steps: number, { start, end, type }: Span): number {
  const { tags: K, alpha, beta, weight, scale, fromMajor } = ws;
  const inside = insideOf(type);
  let tag = beginOf(type);
  let p = alpha[start * K + tag]!;
  for (let i = start + 1; i < end; i++) {
    p *= (fromMajor[tag * K + inside]! * weight[i * K + inside]!) / scale[i]!;
    tag = inside;
  }
  if (end === steps) return p * beta[(end - 1) * K + tag]!;
  let rest = 0;
  for (let k = 0; k < K; k++) {
    if (k !== inside) rest += fromMajor[tag * K + k]! * weight[end * K + k]! * beta[end * K + k]!;
  }
  return (p * rest) / scale[end]!;
}

function spanInLogSpace(ws: Workspace, steps: number, { start, end, type }: Span): number {
  const { tags: K, alpha, beta, weight, scale, logTransitions } = ws;
  const logZ = scale[0]!;
  const inside = insideOf(type);
  let tag = beginOf(type);
  let log = alpha[start * K + tag]! - logZ;
  for (let i = start + 1; i < end; i++) {
    log += logTransitions[tag * K + inside]! + weight[i * K + inside]!;
    tag = inside;
  }
  if (end === steps) return Math.exp(log + beta[(end - 1) * K + tag]!);
  let p = 0;
  for (let k = 0; k < K; k++) {
    if (k !== inside) p += Math.exp(log + logTransitions[tag * K + k]! + weight[end * K + k]! + beta[end * K + k]!);
  }
  return p;
}

/** As `inferredSpanProbability`, with its own forward-backward pass: `emissions` is row-major [steps × K]. */
export function spanProbability(crf: Crf, emissions: Float32Array, steps: number, span: Span, of = plain): number {
  const ws = createWorkspace();
  infer(ws, crf, emissions, steps, of);
  return inferredSpanProbability(ws, steps, span);
}
