import { open } from "node:fs/promises";
import { Fault } from "starling-ner/faults";
import { z } from "zod";
import type { FloatTensor } from "./graph.ts";

const entry = z.object({
  dtype: z.string(),
  shape: z.array(z.int().nonnegative()),
  data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
});
type Entry = z.output<typeof entry>;

const widths: Readonly<Record<string, number>> = { F32: 4, F16: 2, BF16: 2 };
const maxHeaderBytes = 100_000_000;

/**
 * Reads the floating-point tensors of a `.safetensors` file (F32, F16, BF16) as 32-bit floats; others, such as
 * position ids in I64, are left out. Faults: MODEL_FILE_MISSING, MODEL_FILE_INVALID where the file is cut or malformed,
 * NOT_A_NUMBER where a tensor holds NaN or infinity. Format: https://github.com/huggingface/safetensors#format
 */
export async function readSafetensors(file: string): Promise<Map<string, FloatTensor>> {
  const hint = "fetch the file again, whole";
  const broken = (what: string, cause?: unknown) => new Fault("MODEL_FILE_INVALID", { file, what, hint }, { cause });
  const handle = await open(file).catch((cause: unknown) => {
    throw new Fault("MODEL_FILE_MISSING", { file, hint: "name the folder that holds it" }, { cause });
  });
  try {
    const { size } = await handle.stat();
    const read = async (at: number, length: number) => {
      if (at + length > size) throw broken(`it ends at byte ${size}, but its header speaks of byte ${at + length}`);
      const bytes = Buffer.allocUnsafeSlow(length);
      for (let done = 0; done < length; ) {
        const { bytesRead } = await handle.read(bytes, done, Math.min(length - done, 2 ** 30), at + done);
        if (bytesRead === 0) throw broken(`it ends at byte ${at + done}`);
        done += bytesRead;
      }
      return bytes;
    };
    const headerBytes = Number((await read(0, 8)).readBigUInt64LE(0));
    if (headerBytes > maxHeaderBytes) throw broken("it does not begin with the length of a header");
    const header = parseHeader((await read(8, headerBytes)).toString("utf8"), broken);
    const tensors = new Map<string, FloatTensor>();
    for (const [name, { dtype, shape, data_offsets }] of header) {
      const width = widths[dtype];
      if (width === undefined) continue;
      const [from, to] = data_offsets;
      const count = shape.reduce((a, b) => a * b, 1);
      if (to - from !== count * width) throw broken(`tensor "${name}" has ${to - from} bytes for shape [${shape}]`);
      const data = toFloats(await read(8 + headerBytes + from, to - from), dtype);
      refuseNaN(data, name, file);
      tensors.set(name, { dims: shape, data });
    }
    return tensors;
  } finally {
    await handle.close();
  }
}

function parseHeader(text: string, broken: (reason: string, cause?: unknown) => Error): [string, Entry][] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw broken("its header is not JSON", cause);
  }
  const parsed = z.record(z.string(), z.unknown()).safeParse(json);
  if (!parsed.success) throw broken("its header is not an object");
  return Object.entries(parsed.data)
    .filter(([name]) => name !== "__metadata__")
    .map(([name, value]) => {
      const tensor = entry.safeParse(value);
      if (!tensor.success) throw broken(`the header's entry "${name}" lacks dtype, shape or data_offsets`);
      return [name, tensor.data];
    });
}

/** `bytes` starts on a buffer of its own, so that a view of it is aligned. */
function toFloats(bytes: Buffer, dtype: string): Float32Array {
  if (dtype === "F32") return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2);
  if (dtype === "F16") return Float32Array.from(halves, float16);
  const words = Uint32Array.from(halves, (half) => half << 16);
  return new Float32Array(words.buffer);
}

/** IEEE 754 binary16: 1 sign bit, 5 exponent bits with bias 15, 10 fraction bits. */
function float16(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function refuseNaN(data: Float32Array, name: string, file: string): void {
  for (let i = 0; i < data.length; i++) {
    if (!Number.isFinite(data[i]))
      throw new Fault("NOT_A_NUMBER", { what: `weight ${i} of "${name}"`, where: file, mend: "fetch the model again" });
  }
}
