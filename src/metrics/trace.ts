/** The trace id of a `traceparent` header (W3C Trace Context), where there is a valid one. */
export function traceOf(headers: Readonly<Record<string, string>> | undefined): string | undefined {
  const [, trace] = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/.exec(headers?.traceparent ?? "") ?? [];
  return trace === undefined || /^0+$/.test(trace) ? undefined : trace;
}
