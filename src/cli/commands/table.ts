import type { CommandEntry } from "../command.ts";

/** Every command in the order of the overview. A module is loaded only when its command runs. */
export const commands: Record<string, CommandEntry> = {};
