import { defineResource, tagger } from "starling-ner";
import { openTagger } from "./open-tagger.ts";
import { options } from "./options.ts";

export default defineResource({
  name: "tagger-onnx",
  about: "Entities from a BERT, RoBERTa or XLM-RoBERTa encoder with a CRF, on ONNX Runtime in child processes.",
  fills: tagger,
  options,
  open: (settings, host) => openTagger(settings, host),
});
