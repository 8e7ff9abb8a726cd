import {
  type Ask,
  defineStage,
  doubtOf,
  filesVersion,
  gainAt,
  ok,
  type Refusal,
  runningRank,
  type View,
} from "starling-ner";
import { readCurve } from "./curve.ts";
import { defaultCurve } from "./default-curve.ts";
import { options } from "./options.ts";

const DEFAULT_COST = 1;
/** Posts that a share is held over. */
const WINDOW = 1000;

export default defineStage({
  name: "gate",
  about: "Decides which posts a language model is asked about: those where it is expected to pay.",
  needs: ["draft"],
  gives: ["ask"],
  options,
  async check({ curve }, host): Promise<Refusal[]> {
    if (curve === undefined) return [];
    const file = host.resolve(curve);
    host.reads(file, ["curve"]);
    return readCurve(file).then(
      () => [],
      (error: Error) => [{ option: ["curve"], error }],
    );
  },
  async open({ mode, cost = DEFAULT_COST, share, curve: file }, host) {
    const curve = file === undefined ? defaultCurve : await readCurve(host.resolve(file));
    const rank = runningRank(curve.spread, WINDOW);
    const worth = (doubt: number, gain: number) => (share === undefined ? gain >= cost : rank(doubt) > 1 - share);

    const decide = ({ facts: { draft } }: View<"draft">): Ask => {
      const doubt = doubtOf(draft);
      const gain = gainAt(curve, doubt);
      if (mode !== "expected") return { yes: mode === "always", gain, reason: mode };
      return worth(doubt, gain) ? { yes: true, gain, reason: "gain" } : { yes: false, gain, reason: "confident" };
    };
    const answer = (view: View<"draft">) => {
      const ask = decide(view);
      host.count(ask.yes ? "asked" : "not_asked");
      return ok({ ask });
    };
    const version = file === undefined ? undefined : await filesVersion([host.resolve(file)]);
    return { ...(version !== undefined && { version }), quick: answer, run: async (batch) => batch.map(answer) };
  },
});
