import type { CommandTable } from "./command.ts";

/** Every command in the order of the overview. A module is loaded only when its command runs. */
export const commands: CommandTable = {
	ask: { summary: "ask a model one question", load: () => import("./ask/ask.ts") },
	chat: { summary: "chat with a model in the terminal", load: () => import("./chat/chat.ts") },
	batch: { summary: "run many prompts through a model", load: () => import("./batch/batch.ts") },
	jobs: { summary: "manage batch jobs at providers", load: () => import("./jobs/jobs.ts") },
	report: { summary: "write results as an HTML page", load: () => import("./report/report.ts") },
	simulate: {
		summary: "run a server that imitates providers",
		load: () => import("./simulate/simulate.ts"),
	},
	models: { summary: "list models with their prices", load: () => import("./models/models.ts") },
	sessions: {
		summary: "list, search and export conversations",
		load: () => import("./sessions/sessions.ts"),
	},
	cost: { summary: "show what was spent", load: () => import("./cost/cost.ts") },
	cache: { summary: "show or clear the response cache", load: () => import("./cache/cache.ts") },
	keys: { summary: "list, store and remove API keys", load: () => import("./keys/keys.ts") },
	config: {
		summary: "show and change the default model, aliases, presets and budgets",
		load: () => import("./config/config.ts"),
	},
	doctor: { summary: "check the setup: model, keys, files", load: () => import("./doctor/doctor.ts") },
	completion: {
		summary: "print completions for bash, zsh or fish",
		load: () => import("./completion/completion.ts"),
	},
};
