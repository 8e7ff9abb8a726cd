/** The plugins that come with this package; each is imported when a config first names it. */
export const builtins: Readonly<Record<string, () => Promise<{ readonly default: unknown }>>> = {
  "captioner-alt": () => import("./captioner-alt/index.ts"),
  "captioner-chat": () => import("./captioner-chat/index.ts"),
  "captioner-transformers": () => import("./captioner-transformers/index.ts"),
  draft: () => import("./draft/index.ts"),
  final: () => import("./final/index.ts"),
  "registry-confluent": () => import("./registry-confluent/index.ts"),
  "log-kafkajs": () => import("./log-kafkajs/index.ts"),
  "sink-file": () => import("./sink-file/index.ts"),
  "sink-kafka": () => import("./sink-kafka/index.ts"),
  "source-file": () => import("./source-file/index.ts"),
  "source-kafka": () => import("./source-kafka/index.ts"),
  "tagger-onnx": () => import("./tagger-onnx/index.ts"),
};
