/** A model of llama's architecture in the GGUF format, version 3 (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md). */

const EMBEDDING = 32;
const HEADS = 2;
const FEED_FORWARD = 64;
const CONTEXT = 32_768;
const ALIGNMENT = 32;

/** Types of values in the file's head. */
const UINT32 = 4;
const INT32 = 5;
const FLOAT32 = 6;
const BOOL = 7;
const STRING = 8;
const ARRAY = 9;

/** Tokens of the vocabulary: each byte, written as byte-level BPE writes it, and the ends of turns. */
const CONTROL = ["<|begin|>", "<|end|>"];
const [BEGIN, END] = [256, 257];

/** A turn is a line of its own: any roles, in any order. */
const TEMPLATE =
  "{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}";

/**
 * About 100 KB of random weights that lean to closing what is open: a quote first, then brackets, then the end. So a grammar
 * leads it to an end within few tokens, whatever it was asked.
 */
export function tinyGguf(seed = 7): Uint8Array {
  const random = mulberry(seed);
  const matrix = (rows: number, columns: number) =>
    Float32Array.from({ length: rows * columns }, () => 0.1 * (random() - 0.5));
  const ones = () => new Float32Array(EMBEDDING).fill(1);
  const vocabulary = [...byteTokens(), ...CONTROL];
  const embedding = matrix(vocabulary.length, EMBEDDING);
  const output = matrix(vocabulary.length, EMBEDDING);
  // The first number of every embedding is one: what an output has there is a leaning that no text changes much.
  for (let token = 0; token < vocabulary.length; token++) embedding[token * EMBEDDING] = 1;
  for (const [token, leaning] of leanings()) output[token * EMBEDDING] = leaning;
  const square = () => matrix(EMBEDDING, EMBEDDING);
  return gguf(headOf(vocabulary), [
    ["token_embd.weight", [EMBEDDING, vocabulary.length], embedding],
    ["blk.0.attn_norm.weight", [EMBEDDING], ones()],
    ["blk.0.attn_q.weight", [EMBEDDING, EMBEDDING], square()],
    ["blk.0.attn_k.weight", [EMBEDDING, EMBEDDING], square()],
    ["blk.0.attn_v.weight", [EMBEDDING, EMBEDDING], square()],
    ["blk.0.attn_output.weight", [EMBEDDING, EMBEDDING], square()],
    ["blk.0.ffn_norm.weight", [EMBEDDING], ones()],
    ["blk.0.ffn_gate.weight", [EMBEDDING, FEED_FORWARD], matrix(FEED_FORWARD, EMBEDDING)],
    ["blk.0.ffn_up.weight", [EMBEDDING, FEED_FORWARD], matrix(FEED_FORWARD, EMBEDDING)],
    ["blk.0.ffn_down.weight", [FEED_FORWARD, EMBEDDING], matrix(EMBEDDING, FEED_FORWARD)],
    ["output_norm.weight", [EMBEDDING], ones()],
    ["output.weight", [EMBEDDING, vocabulary.length], output],
  ]);
}

function* leanings(): Generator<readonly [token: number, leaning: number]> {
  const inOrder = ['"', "]", "}"];
  for (const [i, sign] of inOrder.entries()) yield [sign.charCodeAt(0), 3 - i / 2];
  yield [END, 1];
  for (let byte = 0; byte < 256; byte++) if (byte < 32 || byte > 126) yield [byte, -3];
}

type Value = readonly [type: number, value: string | number | boolean | readonly (string | number)[]];

const headOf = (vocabulary: readonly string[]): readonly (readonly [string, Value])[] => [
  ["general.architecture", [STRING, "llama"]],
  ["general.name", [STRING, "tiny-random"]],
  ["general.alignment", [UINT32, ALIGNMENT]],
  ["llama.vocab_size", [UINT32, vocabulary.length]],
  ["llama.context_length", [UINT32, CONTEXT]],
  ["llama.embedding_length", [UINT32, EMBEDDING]],
  ["llama.block_count", [UINT32, 1]],
  ["llama.feed_forward_length", [UINT32, FEED_FORWARD]],
  ["llama.attention.head_count", [UINT32, HEADS]],
  ["llama.attention.head_count_kv", [UINT32, HEADS]],
  ["llama.attention.layer_norm_rms_epsilon", [FLOAT32, 1e-5]],
  ["llama.rope.dimension_count", [UINT32, EMBEDDING / HEADS]],
  ["tokenizer.ggml.model", [STRING, "gpt2"]],
  ["tokenizer.ggml.pre", [STRING, "gpt-2"]],
  ["tokenizer.ggml.tokens", [ARRAY, vocabulary]],
  // 1: a normal token, 3: a control token.
  ["tokenizer.ggml.token_type", [ARRAY, vocabulary.map((token) => (CONTROL.includes(token) ? 3 : 1))]],
  ["tokenizer.ggml.merges", [ARRAY, []]],
  ["tokenizer.ggml.bos_token_id", [UINT32, BEGIN]],
  ["tokenizer.ggml.eos_token_id", [UINT32, END]],
  ["tokenizer.ggml.add_bos_token", [BOOL, true]],
  ["tokenizer.chat_template", [STRING, TEMPLATE]],
];

type Tensor = readonly [name: string, shape: readonly number[], values: Float32Array];

function gguf(head: ReturnType<typeof headOf>, tensors: readonly Tensor[]): Uint8Array {
  const parts: Buffer[] = [Buffer.from("GGUF"), uint32(3), uint64(tensors.length), uint64(head.length)];
  for (const [key, [type, value]] of head) parts.push(text(key), uint32(type), encoded(type, value));
  let offset = 0;
  for (const [name, shape, values] of tensors) {
    parts.push(text(name), uint32(shape.length), ...shape.map(uint64), uint32(0), uint64(offset));
    offset += aligned(values.byteLength);
  }
  const start = parts.reduce((sum, { length }) => sum + length, 0);
  parts.push(Buffer.alloc(aligned(start) - start));
  for (const [, , values] of tensors)
    parts.push(Buffer.from(values.buffer), Buffer.alloc(aligned(values.byteLength) - values.byteLength));
  return Buffer.concat(parts);
}

function encoded(type: number, value: Value[1]): Buffer {
  if (type === STRING) return text(value as string);
  if (type === BOOL) return Buffer.from([value ? 1 : 0]);
  if (type === UINT32 || type === INT32) return uint32(value as number);
  if (type === FLOAT32) return Buffer.from(new Float32Array([value as number]).buffer);
  const items = value as readonly (string | number)[];
  const of = typeof items[0] === "number" ? INT32 : STRING;
  return Buffer.concat([uint32(of), uint64(items.length), ...items.map((item) => encoded(of, item))]);
}

const aligned = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
const uint32 = (value: number): Buffer => Buffer.from(new Uint32Array([value]).buffer);
const uint64 = (value: number): Buffer => Buffer.from(new BigUint64Array([BigInt(value)]).buffer);
const text = (value: string): Buffer => Buffer.concat([uint64(Buffer.byteLength(value)), Buffer.from(value)]);

/** Byte-level BPE writes a byte that prints as itself, and the others as the letters from U+0100 on (Radford et al. 2019, GPT-2). */
function byteTokens(): readonly string[] {
  let next = 0x100;
  const prints = (byte: number) =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255);
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(prints(byte) ? byte : next++));
}

/** Numbers from 0 to 1 that a seed repeats (mulberry32). */
function mulberry(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
