import { setTimeout as sleep } from "node:timers/promises";
import { defineStage, Fault, fail, ok, z } from "starling-ner";
import { REFUSED } from "../posts.ts";

/**
 * Lets posts overtake each other, fails now and then as a busy service does, refuses the posts that say so, and hangs
 * over those that ask for it.
 */
export default defineStage({
  name: "unsteady",
  about: "Late, out of order and unreliable, for tests.",
  gives: [],
  options: z.strictObject({
    minMs: z.number().default(1),
    maxMs: z.number().default(40),
    /** Share of the runs that one post fails in. */
    failing: z.number().min(0).max(1).default(0.02),
    /** A post that holds this text takes `hangMs`. */
    hangText: z.string().default("#hang"),
    hangMs: z.number().default(0),
  }),
  async open({ minMs, maxMs, failing, hangText, hangMs }) {
    return {
      async run(batch, signal) {
        const hangs = batch.some(({ post }) => post.text.includes(hangText));
        const ms = hangs ? hangMs : minMs + Math.random() * (maxMs - minMs);
        await sleep(ms, undefined, { signal }).catch(() => {});
        return batch.map(({ post }) => {
          if (post.text.includes(REFUSED)) return fail(new Error("this post is refused"));
          if (Math.random() < failing)
            return fail(new Fault("SERVICE_UNAVAILABLE", { service: "unsteady", reason: "a test" }));
          return ok({});
        });
      },
    };
  },
});
