import { bank, defineResource, readBank, z } from "starling-ner";

export default defineResource({
  name: "bank-file",
  about: "Demonstrations from an NDJSON file, for the retriever and for prompts.",
  fills: bank,
  options: z.strictObject({
    /** NDJSON, one demonstration a line. */
    path: z.string().min(1),
  }),
  async check({ path }, host) {
    const file = host.resolve(path);
    host.reads(file, ["path"]);
    return readBank(file).then(
      () => [],
      (error: Error) => [{ option: ["path"], error }],
    );
  },
  open: async ({ path }, host) => {
    const read = await readBank(host.resolve(path));
    host.log("bank opened", { file: read.file, demonstrations: read.demonstrations.length });
    return read;
  },
});
