import { serveParent } from "../child/serve-parent.ts";
import { Refusal } from "./refusal.ts";
import { type Scaled, scale, type ToScale } from "./scale.ts";

// Entry of the process that decodes: a decoder that a hostile image brings down takes nothing else with it.
serveParent<undefined, ToScale, Scaled>({
  async answer({ bytes, options }) {
    try {
      return { picture: await scale(bytes, options) };
    } catch (error) {
      if (error instanceof Refusal) return { reason: error.reason, message: error.message };
      throw error;
    }
  },
});
