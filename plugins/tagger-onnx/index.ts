import { defineResource, tagger } from "starling-ner";
import { checkModel } from "./check.ts";
import { openTagger } from "./open-tagger.ts";
import { options } from "./options.ts";

export default defineResource({
  name: "tagger-onnx",
  about: "Entities from a BERT, RoBERTa or XLM-RoBERTa encoder with a CRF, on ONNX Runtime in child processes.",
  fills: tagger,
  options,
  check: checkModel,
  open: (settings, host) => openTagger(settings, host),
});
