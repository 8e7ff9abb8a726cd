import { LRUCache } from "lru-cache";
import { type Answers, type KeptAnswer, openAnswers } from "./answers.ts";

export interface CacheOptions {
  /** Of the answers in memory; 0 keeps none there. */
  readonly memoryMb: number;
  readonly maxAgeMs: number;
  /** Answers outlive the process here. */
  readonly file?: string | undefined;
  /** Of the answers in the file. */
  readonly fileMb: number;
}

export interface Cache {
  get(key: string): { readonly answer: KeptAnswer; readonly from: "memory" | "file" } | undefined;
  put(key: string, answer: KeptAnswer): void;
  close(): void;
}

/**
 * Answers by key, in memory and then in a file. A file that fails is told once by `failed`, and done without: a call
 * that costs again is better than no answer. Throws CHAT_STORE_FAILED where the file cannot be opened at all.
 */
export function openCache(options: CacheOptions, failed: (error: Error) => void): Cache {
  const { memoryMb, maxAgeMs, file, fileMb } = options;
  const memory = memoryMb > 0 ? createMemory(memoryMb, maxAgeMs) : undefined;
  let told = false;
  const broken = (error: Error) => {
    if (told) return; // giving it up may fail as well
    told = true;
    close();
    failed(error);
  };
  let answers: Answers | undefined =
    file === undefined ? undefined : openAnswers({ file, maxMb: fileMb, maxAgeMs, failed: broken });
  const close = () => {
    const open = answers;
    answers = undefined;
    open?.close();
  };
  const withFile = <T>(use: (answers: Answers) => T): T | undefined => {
    if (answers === undefined) return undefined;
    try {
      return use(answers);
    } catch (error) {
      broken(error as Error);
      return undefined;
    }
  };

  return {
    get(key) {
      const near = memory?.get(key);
      if (near !== undefined) return { answer: near, from: "memory" };
      const far = withFile((answers) => answers.get(key));
      if (far === undefined) return undefined;
      return { answer: far, from: "file" };
    },
    put(key, answer) {
      memory?.set(key, answer);
      withFile((answers) => answers.put(key, answer));
    },
    close,
  };
}

function createMemory(megabytes: number, maxAgeMs: number): LRUCache<string, KeptAnswer> {
  return new LRUCache({
    maxSize: megabytes * 2 ** 20,
    // Two bytes a character at most, and the key and what holds them.
    sizeCalculation: ({ text }, key) => 2 * (text.length + key.length) + 256,
    ttl: maxAgeMs,
    perf: { now: () => performance.now() }, // by name, so that a test may turn the clock
  });
}
