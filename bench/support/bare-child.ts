import { InferenceSession } from "onnxruntime-node";
import { toBatch } from "../../plugins/tagger-onnx/batch.ts";
import { feedsOf } from "../../plugins/tagger-onnx/feeds.ts";
import type { PackedInput } from "../../plugins/tagger-onnx/input.ts";
import { sessionOptions } from "../../plugins/tagger-onnx/provider.ts";

interface Setup {
  readonly file?: string;
  readonly processes: number;
  readonly threads: number;
  readonly batch: number;
  readonly rows: readonly PackedInput[];
}

let session: InferenceSession;
let feeds: InferenceSession.FeedsType[] = [];

process.on("disconnect", () => process.exit(0));
process.on("message", async (message: Setup) => {
  if (message.file !== undefined) await open(message.file, message);
  else for (const feed of feeds) await session.run(feed);
  process.send!("done");
});

async function open(file: string, { processes, threads, batch, rows }: Setup): Promise<void> {
  // The tagger's own session options, so that the two differ by what stands around the session alone.
  const layout = { providers: ["cpu"], fallback: true, processes, threads, batch };
  session = await InferenceSession.create(file, sessionOptions("cpu", layout));
  const options = { pad: 0, firstPosition: 0, pooling: "mean" } as const;
  const batches = Array.from({ length: Math.ceil(rows.length / batch) }, (_, i) =>
    rows.slice(i * batch, (i + 1) * batch),
  );
  feeds = batches.map((some) => feedsOf(session, toBatch(some, options)));
}
