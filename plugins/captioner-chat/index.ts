import {
  captionLimits,
  chat as chatPort,
  checkFolders,
  defineStage,
  Fault,
  imageOptions,
  openCaptioner,
  z,
} from "starling-ner";
import { describeWith } from "./describe.ts";

export default defineStage({
  name: "captioner-chat",
  about: "Captions from a language model that is shown the images.",
  uses: ["captions"],
  gives: ["captions"],
  options: z.strictObject({
    model: z.string().default("chat").describe("A `chat@1` of the config's resources that takes images"),
    images: imageOptions.prefault({}),
    prompt: z
      .string()
      .min(1)
      .default("Say in one plain sentence of at most {maxWords} words what this picture shows.")
      .describe("What the model is asked; {maxWords} stands for that option"),
    maxTokens: z.int().positive().default(100).describe("Tokens of an answer, at most: what a call may cost"),
    answerMs: z.int().positive().default(10_000).describe("A caption that took longer is of no use, milliseconds"),
    cacheEntries: z.int().nonnegative().default(10_000).describe("Captions kept for reposts of the same file"),
    ...captionLimits,
  }),
  borrows: ({ model }) => [{ port: chatPort, name: model }],
  limits: ({ answerMs }) => ({ answerMs }),
  async check({ model: name, images }, host) {
    const told = await host.foretold(name);
    const blind = told?.takesImages === false ? [withoutImages(name, String(told.model))] : [];
    const refused = blind.map((error) => ({ option: ["model"], error }));
    return [...refused, ...(await checkFolders(images.folders, ["images", "folders"], host))];
  },
  async open({ model: name, images, prompt, maxTokens, answerMs, cacheEntries, ...limits }, host) {
    const model = host.borrow(chatPort, name);
    if (!model.takesImages) throw withoutImages(name, model.model);
    const ask = { prompt: prompt.replaceAll("{maxWords}", String(limits.maxWords)), maxTokens, answerMs };
    return openCaptioner(
      { images, cacheEntries, ...limits, source: `captioner-chat/${model.model}`, describe: describeWith(model, ask) },
      host,
    );
  },
});

const withoutImages = (name: string, model: string): Fault =>
  new Fault("CHAT_WITHOUT_IMAGES", { borrower: "captioner-chat", name, model });
