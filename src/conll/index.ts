export { parseCaptions, withCaptions } from "./captions.ts";
export { fingerprint, overlap } from "./fingerprint.ts";
export { type KnowledgeEntry, parseKnowledge, withKnowledge } from "./knowledge.ts";
export { corpusOf, eachLine, parseConll } from "./parse.ts";
export { type CorpusFiles, type JoinedCorpus, readCorpus, readText } from "./read.ts";
export { type Corpus, goldInputOf, goldOf, postOf, type Sample, straysOf } from "./sample.ts";
export { splitSigns } from "./split-signs.ts";
