import { type Crf, createWorkspace, decode, type Workspace } from "starling-ner/crf";
import { toBatch } from "./batch.ts";
import { endsOfRuns, type Grouping, groupingOf } from "./grouping.ts";
import type { PackedInput } from "./input.ts";
import { chooseBatch } from "./measure.ts";
import type { Answer, EngineSpec, Ready, Reply, Work } from "./messages.ts";
import { normalise, poolHidden } from "./pool-feature.ts";
import { openRunner, type Runner } from "./runner.ts";
import { sendFault } from "./send-fault.ts";

/** One session with its decoder: what a child process runs. */
export interface Engine {
  readonly ready: Ready;
  /** Whether a second call gains by not waiting for the first. */
  readonly overlaps: boolean;
  /** One reply for each post, in order; `see` is told of each run. */
  answer(posts: readonly Work[], see?: SeeRun): Promise<Reply[]>;
  close(): Promise<void>;
}

/** What the graph says of one row, until its post is whole. */
interface RowOutput {
  /** [length × tags] of the run, read from `at`. */
  readonly emissions: Float32Array;
  readonly at: number;
  readonly pooled: Float32Array;
}

/** What one run of the graph was made of; `tokens` and `padding` in sub-words. */
export type SeeRun = (rows: number, tokens: number, padding: number) => void;

export async function openEngine(spec: EngineSpec): Promise<Engine> {
  const runner = await openRunner(spec);
  const { provider, nodes, fellBack, vocabulary } = runner.opened;
  const run = (rows: readonly PackedInput[]) => runRows(runner, spec, rows);
  const batch = spec.layout.batch ?? (await chooseBatch(provider, (rows) => run(rows).then(() => undefined)));
  const grouping = groupingOf({ provider, batch });
  const decoder = createDecoder(spec);
  return {
    ready: { provider, nodes, fellBack, batch, vocabulary },
    overlaps: runner.apart,
    async answer(posts, see) {
      const outputs = await runAll(posts, grouping, (rows) => {
        if (see) tell(rows, see);
        return run(rows);
      });
      return posts.map((post, index) => reply(() => decoder(post, outputs[index]!)));
    },
    close: () => runner.close(),
  };
}

function tell(rows: readonly PackedInput[], see: SeeRun): void {
  let [tokens, longest] = [0, 0];
  for (const { ids } of rows) {
    tokens += ids.length;
    longest = Math.max(longest, ids.length);
  }
  see(rows.length, tokens, rows.length * longest - tokens);
}

/** Runs the rows of all posts in order of their length, so that little is padding. */
async function runAll(
  posts: readonly Work[],
  grouping: Grouping,
  run: (rows: readonly PackedInput[]) => Promise<RowOutput[]>,
): Promise<RowOutput[][]> {
  const outputs = posts.map(({ rows }) => new Array<RowOutput>(rows.length));
  const all = posts.flatMap(({ rows }, post) => rows.map((row, index) => ({ post, index, row })));
  if (grouping.batch > 1) all.sort((a, b) => a.row.ids.length - b.row.ids.length);
  const lengths = all.map(({ row }) => row.ids.length);
  let from = 0;
  for (const end of endsOfRuns(lengths, grouping)) {
    const some = all.slice(from, end);
    from = end;
    const done = await run(some.map(({ row }) => row));
    for (const [k, { post, index }] of some.entries()) outputs[post]![index] = done[k]!;
  }
  return outputs;
}

async function runRows(runner: Runner, spec: EngineSpec, rows: readonly PackedInput[]): Promise<RowOutput[]> {
  const batch = toBatch(rows, spec);
  const { scores, hidden } = await runner.run(batch);
  const [emissions, vectors] = [scores.data, hidden.data];
  const width = hidden.dims.at(-1)!;
  const labels = scores.dims.at(-1)!;
  return rows.map((_, index) => ({
    emissions,
    at: index * batch.length * labels,
    pooled:
      hidden.dims.length === 2
        ? vectors.subarray(index * width, (index + 1) * width)
        : poolHidden(vectors, batch, index, width),
  }));
}

function reply(answer: () => Answer): Reply {
  try {
    return { answer: answer() };
  } catch (error) {
    return { fault: sendFault(error) };
  }
}

function createDecoder(spec: EngineSpec): (post: Work, outputs: readonly RowOutput[]) => Answer {
  const crf: Crf = {
    tags: spec.crf.tags,
    transitions: Float32Array.from(spec.crf.transitions),
    start: Float32Array.from(spec.crf.start),
    end: Float32Array.from(spec.crf.end),
  };
  const workspace: Workspace = createWorkspace();
  return (post, outputs) => {
    const emissions = new Float32Array(post.words * crf.tags);
    for (const [index, row] of post.rows.entries()) gather(row, outputs[index]!, spec, emissions);
    const vector = post.vector && { vector: normalise(joinFeatures(post, outputs)) };
    if (post.words === 0) return { mentions: [], expected: { correct: 0, gold: 0 }, ...vector };
    return { ...decode(crf, emissions, post.words, spec.temperature, workspace), ...vector };
  };
}

/** Low enough that no path goes through a tag the model does not know; not so low that probabilities underflow. */
const UNKNOWN_TAG = -50;

/** Copies the emissions of the words that this row answers for, in the order of BIO2. */
function gather(
  row: PackedInput,
  { emissions, at }: RowOutput,
  { crf, labels, labelCount }: EngineSpec,
  into: Float32Array,
): void {
  const { first, keep, words } = row;
  const { tags } = crf;
  for (let word = keep.start; word < keep.end; word++) {
    const from = at + first[word - words.start]! * labelCount;
    const to = word * tags;
    for (let tag = 0; tag < tags; tag++) {
      const label = labels === undefined ? tag : labels[tag]!;
      into[to + tag] = label < 0 ? UNKNOWN_TAG : emissions[from + label]!;
    }
  }
}

function joinFeatures(post: Work, outputs: readonly RowOutput[]): Float32Array {
  const sum = outputs[0]!.pooled.slice();
  if (outputs.length === 1) return sum;
  // Windows of one text count by their length.
  const weigh = (index: number) => post.rows[index]!.textLength;
  for (let i = 0; i < sum.length; i++)
    sum[i] = outputs.reduce((total, { pooled }, index) => total + pooled[i]! * weigh(index), 0);
  return sum;
}
