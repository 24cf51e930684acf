import type { CommandEntry } from "../command.ts";

/** Every command in the order of the overview. A module is loaded only when its command runs. */
export const commands: Record<string, CommandEntry> = {
	ask: { summary: "ask a model one question", load: () => import("./ask.ts") },
	simulate: { summary: "run a server that answers like a provider", load: () => import("./simulate.ts") },
};
