import { defineStage, pass, z } from "starling-ner";

/** A stage that has nothing to say of any post. */
export default defineStage({
  name: "nothing",
  about: "Does nothing, for measuring.",
  gives: [],
  options: z.strictObject({}),
  open: async () => ({ run: async (batch) => batch.map(() => pass("nothing")) }),
});
