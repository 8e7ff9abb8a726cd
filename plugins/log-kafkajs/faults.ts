import { Fault, isFault } from "starling-ner";

/** What the client's errors carry, wherever they were made. */
interface ClientError extends Error {
  /** The protocol's name of the error, such as MESSAGE_TOO_LARGE. */
  readonly type?: string;
  readonly code?: string | number;
  readonly retriable?: boolean;
  readonly cause?: unknown;
}

/** What was being done, for the sentence. */
export interface Doing {
  readonly brokers: string;
  /** Such as "committing offsets of the group starling". */
  readonly what: string;
  readonly topic?: string;
}

const forbidden = /_AUTHORIZATION_FAILED$/;
const unknownUser = /^(SASL_AUTHENTICATION_FAILED|ILLEGAL_SASL_STATE|UNSUPPORTED_SASL_MECHANISM)$/;
const refused =
  /^(MESSAGE_TOO_LARGE|RECORD_LIST_TOO_LARGE|INVALID_RECORD|INVALID_TIMESTAMP|CORRUPT_MESSAGE|POLICY_VIOLATION|UNSUPPORTED_FOR_MESSAGE_FORMAT|KAFKAJS_UNKNOWN_ERROR_CODE)$/;
const away =
  /^KafkaJS(Connection|ConnectionClosed|RequestTimeout|NumberOfRetriesExceeded|BrokerNotFound|NoBrokerAvailable|MetadataNotLoaded|TopicMetadataNotLoaded|GroupCoordinatorNotFound|LockTimeout|Timeout)/;

/** Turns what the client throws into a fault: what happened, where, and whether trying again can help. */
export function faultOf(thrown: unknown, { brokers, what, topic }: Doing): Fault {
  if (isFault(thrown)) return thrown;
  const chain = causes(thrown);
  const outer = chain[0]!;
  const types = chain.map(({ type }) => type ?? "");
  const reason = reasonOf(chain);
  const options = { cause: outer };
  if (
    chain.some(({ name }) => name === "KafkaJSSASLAuthenticationError") ||
    types.some((type) => unknownUser.test(type))
  )
    return new Fault("LOG_AUTHENTICATION", { brokers, reason }, options);
  if (types.some((type) => forbidden.test(type))) return new Fault("LOG_FORBIDDEN", { what, reason }, options);
  if (topic !== undefined && types.includes("UNKNOWN_TOPIC_OR_PARTITION"))
    return new Fault("LOG_TOPIC_MISSING", { topic, brokers }, options);
  if (topic !== undefined && types.some((type) => refused.test(type)))
    return new Fault("LOG_RECORD_REFUSED", { topic, reason }, options);
  if (chain.some(({ name, retriable }) => away.test(name) || retriable === true))
    return new Fault("LOG_UNREACHABLE", { brokers, reason }, options);
  return new Fault("LOG_FAILED", { what, reason }, options);
}

/** The error and what caused it, the outermost first. */
function causes(thrown: unknown): ClientError[] {
  const chain: ClientError[] = [];
  for (let error = thrown; error instanceof Error && chain.length < 8; error = error.cause)
    chain.push(error as ClientError);
  return chain.length > 0 ? chain : [new Error(String(thrown))];
}

/** The innermost says most; outer ones only tell how often it was tried. */
const reasonOf = (chain: readonly ClientError[]): string => {
  const { message, type } = chain.at(-1)!;
  return type === undefined ? message : `${message} (${type})`;
};
