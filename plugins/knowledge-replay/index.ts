import { defineStage, filesVersion, ok, pass, type Refusal, type View, z } from "starling-ner";
import { readFormat, readRecords } from "./records.ts";

export default defineStage({
  name: "knowledge-replay",
  about: "Knowledge from recorded answers, without an LLM.",
  uses: ["ask"],
  gives: ["knowledge"],
  options: z.strictObject({
    files: z
      .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
      .transform((files) => (typeof files === "string" ? [files] : files))
      .describe("Files of recorded answers, NDJSON or PGIM's own format; the first that has a post answers"),
    maxLength: z.int().positive().default(4000).describe("Characters of the knowledge at most"),
  }),
  async check({ files }, host) {
    const refusals = files.map(async (name, index): Promise<Refusal[]> => {
      const file = host.resolve(name);
      host.reads(file, ["files"]);
      try {
        await readFormat(file);
        return [];
      } catch (error) {
        return [{ option: ["files", index], error: error as Error }];
      }
    });
    return (await Promise.all(refusals)).flat();
  },
  async open({ files, maxLength }, host) {
    const paths = files.map(host.resolve);
    const find = await readRecords(paths, maxLength);
    const version = await filesVersion(paths);
    const answer = ({ post, facts: { ask } }: View<never, "ask">) => {
      if (ask?.yes === false) return pass(ask.reason);
      const knowledge = find(post);
      return knowledge === undefined ? pass("not_recorded") : ok({ knowledge });
    };
    return { version, quick: answer, run: async (batch) => batch.map(answer) };
  },
});
