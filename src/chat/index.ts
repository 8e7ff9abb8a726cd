export { inputTokensAtMost, usdOf, worstUsd } from "./cost.ts";
export { fingerprintOf, isRepeatable } from "./fingerprint.ts";
export { guardChat } from "./guard.ts";
export type { GuardedChat, GuardFigures, GuardOptions, Told } from "./options.ts";
export { checkApart, checkStore } from "./store-place.ts";
