export { type Child, ChildLost, type ChildOptions, openChild } from "./open-child.ts";
export { type Served, serveParent } from "./serve-parent.ts";
export { untilAborted } from "./until-aborted.ts";
