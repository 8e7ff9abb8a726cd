import { type ConfigText, type Problem, problemAt } from "../config/index.ts";
import type { TopicUse } from "../plugin.ts";
import type { Planned } from "./types.ts";

type End = Planned<"source"> | Planned<"sink">;

/** The topics that a source or a sink uses, as its plugin declares them. */
export const topicsOf = ({ plugin, options }: End): readonly TopicUse[] => plugin.topics?.(options) ?? [];

/** Whether two of them, of one log, stand for one topic, `one` being a name. */
export const isTopic = (one: string, other: string | RegExp): boolean =>
  typeof other === "string" ? one === other : other.test(one);

/** A topic that is written and read again by the same pipeline is a loop; one that two write holds what nobody can tell apart. */
export function topicProblems(
  text: ConfigText,
  ends: readonly End[],
  clients: readonly Planned<"resource">[],
): Problem[] {
  const places = new Map(clients.map(({ name, plugin, options }) => [name, plugin.places?.(options) ?? []]));
  const isLog = (one: string, other: string) =>
    one === other || places.get(one)?.some((place) => places.get(other)?.includes(place)) === true;
  const uses = ends.flatMap((end) => topicsOf(end).map((use) => ({ ...use, end })));
  return uses.flatMap((use, i): Problem[] => {
    const { end, topic, client, how, option } = use;
    if (how !== "writes" || typeof topic !== "string") return [];
    // Two that write are told of once, at the later one.
    const other = uses.find(
      (one, at) => isLog(one.client, client) && (one.how === "reads" || at < i) && isTopic(topic, one.topic),
    );
    if (other === undefined) return [];
    const details = { topic, writer: end.name, other: `${other.end.name} ${other.how}${patternOf(other)}` };
    return [problemAt(text, [...end.path, "options", ...option], "TOPIC_SHARED", details)];
  });
}

const patternOf = ({ topic }: TopicUse) => (typeof topic === "string" ? "" : ` by the pattern ${topic}`);
