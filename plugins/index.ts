/** The plugins that come with this package; each is imported when a config first names it. */
export const builtins: Readonly<Record<string, () => Promise<{ readonly default: unknown }>>> = {
  "chat-guard": () => import("./chat-guard/index.ts"),
  "chat-openai": () => import("./chat-openai/index.ts"),
  draft: () => import("./draft/index.ts"),
  final: () => import("./final/index.ts"),
  gate: () => import("./gate/index.ts"),
  "knowledge-chat": () => import("./knowledge-chat/index.ts"),
  "knowledge-neighbours": () => import("./knowledge-neighbours/index.ts"),
  "knowledge-replay": () => import("./knowledge-replay/index.ts"),
  "registry-confluent": () => import("./registry-confluent/index.ts"),
  "log-kafkajs": () => import("./log-kafkajs/index.ts"),
  "sink-file": () => import("./sink-file/index.ts"),
  "sink-kafka": () => import("./sink-kafka/index.ts"),
  "source-file": () => import("./source-file/index.ts"),
  "source-kafka": () => import("./source-kafka/index.ts"),
  "tagger-onnx": () => import("./tagger-onnx/index.ts"),
};
