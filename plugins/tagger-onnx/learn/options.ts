import { z } from "starling-ner";

/** `train.learner` of the config. Rates and schedule follow Devlin et al. 2019, appendix A.3, but for the head's own rate. */
export const learnerOptions = z.strictObject({
  /** Peak learning rate of the encoder. */
  lr: z.number().positive().default(1e-4),
  /** Peak learning rate of what starts from nothing: head and CRF. The word-shape table learns at `lr`, as the other tables do. */
  headLr: z.number().positive().default(2e-3),
  /** Decoupled weight decay of the linear layers' matrices; none on biases, layer norms, CRF and embedding tables. */
  weightDecay: z.number().nonnegative().default(0.01),
  /** Share of the steps in which the rate climbs from 0 to its peak; then it falls to 0 in a straight line. */
  warmup: z.number().min(0).max(1).default(0.1),
  /** Largest L2 norm of the whole gradient; a longer one is scaled down to it. */
  clip: z.number().positive().default(1),
  /**
   * Tags with and saves a running mean of the weights that keeps this share of itself at each update, 0.998 for example;
   * 0: the weights as they are.
   */
  average: z.number().min(0).max(0.99999).default(0),
  /** Rate at which states are dropped; the encoder's own by default. */
  dropout: z.number().min(0).max(0.9).optional(),
  /** Rate at which attention probabilities are dropped; the encoder's own by default. */
  attentionDropout: z.number().min(0).max(0.9).optional(),
  /** Rate at which words of the post are made unknown. */
  wordDropout: z.number().min(0).max(0.9).default(0),
  /** Learns an embedding of how each word is written (capitals, digits, marks); an uncased encoder sees none of it. */
  wordShape: z.boolean().default(false),
  /** Reads every `http…` word as `http`. */
  normaliseUrls: z.boolean().default(true),
  /** How the training data writes hashtags and mentions, `#NBA` as one word or as two; kept with the model. */
  signs: z.enum(["joined", "apart"]).default("apart"),
  /** Sub-words of [T; captions; Z] with the special ones; kept with the model. */
  maxSubwords: z.int().min(8).default(128),
  /** Leaves the word, position and token-type tables as they are. */
  freezeEmbeddings: z.boolean().default(false),
  /** What the feature is pooled from; kept with the model. */
  pooling: z.enum(["cls", "mean"]).default("mean"),
  /** Name of the saved model; the version is this and the first digits of its manifest's digest. */
  name: z.string().min(1).default("tagger"),
  /** Threads of one step: ONNX Runtime's, and the optimiser's up to 2. 0: one for each core. */
  threads: z.int().nonnegative().default(0),
});

export type LearnerOptions = z.output<typeof learnerOptions>;
