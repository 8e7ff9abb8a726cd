/** `node scripts/kernels.ts` compiles the trainer's kernels.wat, and writes what Starling loads. */
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import openWabt from "wabt";

const learn = fileURLToPath(new URL("../plugins/tagger-onnx/learn/", import.meta.url));

/** The module as Base64. */
export async function compileKernels(): Promise<string> {
  const wabt = await openWabt();
  const features = { simd: true, threads: true, multi_memory: true };
  const module = wabt.parseWat("kernels.wat", await readFile(`${learn}kernels.wat`, "utf8"), features);
  return Buffer.from(module.toBinary({}).buffer).toString("base64");
}

if (import.meta.main)
  await writeFile(
    `${learn}kernels-binary.ts`,
    `/** kernels.wat, compiled by \`node scripts/kernels.ts\`. */\nexport const kernelsBinary =\n  "${await compileKernels()}";\n`,
  );
