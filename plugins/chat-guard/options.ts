import { z } from "starling-ner";

const DAY_MS = 86_400_000;

const circuit = z
  .strictObject({
    failures: z.int().positive().default(10).describe("Failed calls in a row that open it; with share, the fewest"),
    share: z.number().gt(0).lt(1).optional().describe("Share of the calls of windowMs that must fail instead"),
    windowMs: z.int().positive().default(10_000).describe("Window of share, milliseconds"),
    openMs: z.int().positive().default(10_000).describe("How long the server is left alone, milliseconds"),
  })
  .prefault({});

const budget = z.strictObject({
  usdPerDay: z.number().positive().describe("US dollars of one day, UTC"),
  file: z.string().min(1).describe("Where spending is written down; processes that name the same share one budget"),
});

const cache = z
  .strictObject({
    memoryMb: z.number().nonnegative().default(32).describe("Of answers in memory; 0 for none"),
    file: z.string().min(1).optional().describe("Answers outlive the process here"),
    fileMb: z.number().positive().default(512).describe("Of answers in the file; the first go when it is full"),
    maxAgeDays: z.number().positive().default(30).describe("Older answers are asked for again"),
  })
  .prefault({});

export const options = z.strictObject({
  chat: z.string().min(1).describe("A resource that fills `chat@1`, to be guarded"),
  timeoutMs: z.int().positive().default(30_000).describe("The longest one request may take, milliseconds"),
  attemptMs: z.int().positive().default(20_000).describe("Time limit of one call, milliseconds"),
  attempts: z.int().positive().default(3).describe("Calls for one request, at most"),
  backoffMs: z.int().positive().default(250).describe("First wait between two calls, doubled each time, milliseconds"),
  maxBackoffMs: z.int().positive().default(8000).describe("The longest of these waits, milliseconds"),
  concurrency: z.int().positive().default(64).describe("Calls under way at once"),
  requestsPerMinute: z.number().positive().optional().describe("Of this process"),
  tokensPerMinute: z.number().positive().optional().describe("Of this process, in and out"),
  circuit: circuit.describe("When a failing server is left alone: { failures, share, windowMs, openMs }"),
  budget: budget.optional().describe("What may be spent in a day: { usdPerDay, file }"),
  cache: cache.describe("Answers that need not be asked for again: { memoryMb, file, fileMb, maxAgeDays }"),
});

export const ageMs = (days: number): number => days * DAY_MS;
