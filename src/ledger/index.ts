export * from "./ledger.ts";
export { Entry, Tracker } from "./tracker.ts";
