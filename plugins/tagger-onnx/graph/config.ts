import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Fault } from "starling-ner/faults";
import { z } from "zod";

const families = ["bert", "roberta", "xlm-roberta"] as const;
export type Family = (typeof families)[number];

const configJson = z.looseObject({
  vocab_size: z.int().positive(),
  hidden_size: z.int().positive(),
  num_hidden_layers: z.int().positive(),
  num_attention_heads: z.int().positive(),
  intermediate_size: z.int().positive(),
  max_position_embeddings: z.int().positive(),
  type_vocab_size: z.int().positive().default(2),
  hidden_act: z.literal("gelu"),
  layer_norm_eps: z.number().positive().default(1e-12),
  hidden_dropout_prob: z.number().min(0).max(0.9).default(0.1),
  attention_probs_dropout_prob: z.number().min(0).max(0.9).default(0.1),
  pad_token_id: z.int().nonnegative().default(0),
  position_embedding_type: z.literal("absolute").default("absolute"),
});

/** Shape of an encoder, from Hugging Face's `config.json`. */
export interface EncoderConfig {
  readonly family: Family;
  /** Rows of the word-embedding table. */
  readonly vocabulary: number;
  /** Width D of the states. */
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  readonly intermediate: number;
  /** Rows of the position table; RoBERTa kinds never use the first `firstPosition` of them. */
  readonly positions: number;
  /** The position of a row's first sub-word: 0 for BERT, `pad + 1` for RoBERTa and XLM-RoBERTa. */
  readonly firstPosition: number;
  /** Rows of the token-type table; 1 means that segments make no difference. */
  readonly segments: number;
  readonly epsilon: number;
  readonly dropout: number;
  readonly attentionDropout: number;
  readonly pad: number;
}

/** Reads `config.json` of a Hugging Face folder. */
export async function readEncoderConfig(folder: string): Promise<EncoderConfig> {
  const file = join(folder, "config.json");
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new Fault("MODEL_FILE_MISSING", { file, hint: "name a folder in Hugging Face's layout" }, { cause });
  });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new Fault("MODEL_FILE_INVALID", { file, what: "it is not JSON", hint: "copy it again" }, { cause });
  }
  return parseEncoderConfig(json, file);
}

/** `file` is named in faults: MODEL_FAMILY_UNKNOWN, MODEL_FILE_INVALID. */
export function parseEncoderConfig(json: unknown, file: string): EncoderConfig {
  const named = z.looseObject({ model_type: z.string() }).safeParse(json);
  const name = named.success ? named.data.model_type : "(none)";
  const family = families.find((known) => known === name);
  if (family === undefined) throw new Fault("MODEL_FAMILY_UNKNOWN", { file, family: name, known: families.join(", ") });
  const parsed = configJson.safeParse(json);
  const hint = "this plugin builds BERT-like encoders with exact GELU and absolute positions";
  if (!parsed.success) throw new Fault("MODEL_FILE_INVALID", { file, what: z.prettifyError(parsed.error), hint });
  const c = parsed.data;
  if (c.hidden_size % c.num_attention_heads !== 0)
    throw new Fault("MODEL_FILE_INVALID", { file, what: "num_attention_heads does not divide hidden_size", hint });
  return {
    family,
    vocabulary: c.vocab_size,
    hidden: c.hidden_size,
    layers: c.num_hidden_layers,
    heads: c.num_attention_heads,
    intermediate: c.intermediate_size,
    positions: c.max_position_embeddings,
    firstPosition: family === "bert" ? 0 : c.pad_token_id + 1,
    segments: c.type_vocab_size,
    epsilon: c.layer_norm_eps,
    dropout: c.hidden_dropout_prob,
    attentionDropout: c.attention_probs_dropout_prob,
    pad: c.pad_token_id,
  };
}
