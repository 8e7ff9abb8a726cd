import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { encodeModel } from "../tagger-onnx/graph/encode.ts";
import { type Attribute, Graph } from "../tagger-onnx/graph/graph.ts";

const WIDTH = 16;
const HEADS = 2;
const SIDE = 64;
const PATCH = 32;
const vocabulary = [
  "<pad>",
  "<s>",
  "</s>",
  ..."a the red blue dark bright bridge cup crowd map sky light of over under near".split(" "),
];

/** A linear congruential generator: the same numbers everywhere. */
function numbers(seed: number): (count: number, scale: number) => Float32Array {
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
  return (count, scale) => Float32Array.from({ length: count }, () => next() * scale);
}

/** Records operators by the names of their results; ONNX Runtime infers the shapes. */
function recorder(seed: number) {
  const graph = new Graph();
  const draw = numbers(seed);
  return {
    graph,
    weight: (name: string, dims: number[], scale: number) =>
      graph.initializer(name, {
        type: "float32",
        dims,
        data: draw(
          dims.reduce((a, b) => a * b),
          scale,
        ),
      }),
    op(opType: string, inputs: string[], output: string, attributes: Record<string, Attribute> = {}): string {
      graph.nodes.push({ opType, inputs, outputs: [output], attributes, domain: "" });
      return output;
    },
  };
}

/** Patches of the picture, each one vector. */
function encoder(): Uint8Array {
  const { graph, weight, op } = recorder(1);
  graph.input("pixel_values", "float32", ["batch", 3, "height", "width"]);
  const kernel = weight("kernel", [WIDTH, 3, PATCH, PATCH], 0.05);
  op("Conv", ["pixel_values", kernel], "patches", { strides: { ints: [PATCH, PATCH] } });
  op("Reshape", ["patches", graph.ints([0, WIDTH, -1])], "flat");
  op("Transpose", ["flat"], "rows", { perm: { ints: [0, 2, 1] } });
  op("Tanh", ["rows"], "last_hidden_state");
  return encodeModel(graph, [{ name: "last_hidden_state", shape: ["batch", "patches", WIDTH] }]);
}

/** One layer of attention to the words before, then to the patches, as GPT-2 in an encoder-decoder has it. */
function decoder(): Uint8Array {
  const { graph, weight, op } = recorder(2);
  graph.input("input_ids", "int64", ["batch", "steps"]);
  graph.input("encoder_hidden_states", "float32", ["batch", "patches", WIDTH]);
  const cache = ["batch", HEADS, "past", WIDTH / HEADS];
  for (const part of ["key", "value"]) graph.input(`past_key_values.0.${part}`, "float32", cache);
  op("Gather", [weight("words", [vocabulary.length, WIDTH], 1), "input_ids"], "embedded");
  for (const part of ["query", "key", "value"]) {
    op("MatMul", ["embedded", weight(`${part}Weight`, [WIDTH, WIDTH], 1)], `${part}Flat`);
    op("Reshape", [`${part}Flat`, graph.ints([0, 0, HEADS, WIDTH / HEADS])], `${part}Split`);
    op("Transpose", [`${part}Split`], `${part}Heads`, { perm: { ints: [0, 2, 1, 3] } });
  }
  for (const part of ["key", "value"])
    op("Concat", [`past_key_values.0.${part}`, `${part}Heads`], `present.0.${part}`, { axis: { int: 2 } });
  op("Transpose", ["present.0.key"], "keys", { perm: { ints: [0, 1, 3, 2] } });
  op("Softmax", [op("MatMul", ["queryHeads", "keys"], "scores")], "shares", { axis: { int: -1 } });
  op("Transpose", [op("MatMul", ["shares", "present.0.value"], "mixed")], "joined", { perm: { ints: [0, 2, 1, 3] } });
  op("Reshape", ["joined", graph.ints([0, 0, WIDTH])], "heard");
  op("Add", ["heard", "embedded"], "state");
  op("Transpose", ["encoder_hidden_states"], "patchKeys", { perm: { ints: [0, 2, 1] } });
  op("Softmax", [op("MatMul", ["state", "patchKeys"], "looks")], "look", { axis: { int: -1 } });
  op("MatMul", ["look", "encoder_hidden_states"], "seen");
  op("Add", ["state", "seen"], "both");
  op("MatMul", ["both", weight("out", [WIDTH, vocabulary.length], 1)], "logits");
  return encodeModel(graph, [
    { name: "logits", shape: ["batch", "steps", vocabulary.length] },
    ...["key", "value"].map((part) => ({ name: `present.0.${part}`, shape: ["batch", HEADS, "total", WIDTH / HEADS] })),
  ]);
}

const special = { bos_token_id: 1, decoder_start_token_id: 1, eos_token_id: 2, pad_token_id: 0 };

const files: Readonly<Record<string, () => unknown>> = {
  "config.json": () => ({
    model_type: "vision-encoder-decoder",
    architectures: ["VisionEncoderDecoderModel"],
    is_encoder_decoder: true,
    ...special,
    encoder: { model_type: "vit", hidden_size: WIDTH, image_size: SIDE, patch_size: PATCH },
    decoder: {
      model_type: "gpt2",
      n_layer: 1,
      n_head: HEADS,
      n_embd: WIDTH,
      vocab_size: vocabulary.length,
      is_decoder: true,
    },
  }),
  "generation_config.json": () => ({ ...special, max_length: 40 }),
  "preprocessor_config.json": () => ({
    image_processor_type: "ViTImageProcessor",
    do_resize: true,
    size: { height: SIDE, width: SIDE },
    do_rescale: true,
    rescale_factor: 1 / 255,
    do_normalize: true,
    image_mean: [0.5, 0.5, 0.5],
    image_std: [0.5, 0.5, 0.5],
  }),
  "tokenizer_config.json": () => ({
    tokenizer_class: "PreTrainedTokenizerFast",
    bos_token: "<s>",
    eos_token: "</s>",
    pad_token: "<pad>",
    model_max_length: 64,
  }),
  "tokenizer.json": () => ({
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: ["<pad>", "<s>", "</s>"].map((content, id) => ({
      id,
      content,
      special: true,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
    })),
    normalizer: null,
    pre_tokenizer: { type: "WhitespaceSplit" },
    post_processor: null,
    decoder: { type: "WordPiece", prefix: "##", cleanup: false },
    model: {
      type: "WordLevel",
      vocab: Object.fromEntries(vocabulary.map((word, id) => [word, id])),
      unk_token: "<pad>",
    },
  }),
};

/** A random image-to-text model of a few kilobytes, in the layout that transformers.js reads. */
export async function writeTinyModel(folder: string): Promise<void> {
  await mkdir(join(folder, "onnx"), { recursive: true });
  for (const [name, make] of Object.entries(files)) await writeFile(join(folder, name), JSON.stringify(make()));
  await writeFile(join(folder, "onnx", "encoder_model.onnx"), encoder());
  await writeFile(join(folder, "onnx", "decoder_model_merged.onnx"), decoder());
}
