import type { CommandEntry } from "../command.ts";

/** Every command in the order of the overview. A module is loaded only when its command runs. */
export const commands: Record<string, CommandEntry> = {
	ask: { summary: "ask a model one question", load: () => import("./ask.ts") },
	chat: { summary: "talk to a model in the terminal", load: () => import("./chat.ts") },
	batch: { summary: "run many prompts through a model", load: () => import("./batch.ts") },
	simulate: { summary: "run a server that answers like a provider", load: () => import("./simulate.ts") },
	models: { summary: "list models with their prices", load: () => import("./models.ts") },
	sessions: { summary: "list, search and export conversations", load: () => import("./sessions.ts") },
	cost: { summary: "sum what was spent", load: () => import("./cost.ts") },
	cache: { summary: "look at or clear the response cache", load: () => import("./cache.ts") },
	keys: { summary: "list, store and remove API keys", load: () => import("./keys.ts") },
	config: { summary: "default model, aliases, presets, budgets", load: () => import("./config.ts") },
	doctor: { summary: "check what would be used and why", load: () => import("./doctor.ts") },
	completion: { summary: "complete commands in bash, zsh or fish", load: () => import("./completion.ts") },
};
