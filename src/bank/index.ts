export { type Added, addToBank, linesOf } from "./add.ts";
export { type BankReport, checkBank } from "./check.ts";
export { gramsOf, type Similar, similarPairs } from "./overlap.ts";
export { type PgimFiles, readPgim } from "./pgim.ts";
export { type BankLines, bankBytes, bankLines, demonstrationSchema, readBank } from "./read.ts";
