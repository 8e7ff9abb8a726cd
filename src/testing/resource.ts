import type { z } from "zod";
import type { ResourcePlugin } from "../plugin.ts";
import { type AnyClause, anyClauses, type Fresh } from "./any.ts";
import { testHost } from "./host.ts";
import { register, type Suite } from "./suite.ts";

export interface ResourceSuite<T, O extends z.ZodType> extends Suite<AnyClause> {
  readonly plugin: ResourcePlugin<T, O>;
  readonly options: Fresh<z.input<O>>;
}

/** The contract of a resource, whatever port it fills; `testTagger` holds that of `tagger@1` as well. */
export function testResource<T, O extends z.ZodType>(suite: ResourceSuite<T, O>): void {
  register(suite.plugin.name, suite, anyClauses(suite.plugin, suite.options, testHost(suite.lend)));
}
