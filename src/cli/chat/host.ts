import type { ChatHost } from "../../chat/host.ts";
import { contextWindowOf, knownModels } from "../../chat/models.ts";
import { resolveAlias } from "../../state/aliases.ts";
import { checkBudget } from "../budget.ts";
import type { CommandContext } from "../command.ts";
import { sessionSpent } from "../cost/sums.ts";
import { createLLM } from "../llms.ts";
import { copyText } from "./clipboard.ts";

export interface ChatHostOptions {
	/** Called with non-fatal problems; the screen shows them where they fit. */
	readonly onWarning: (message: string) => void;
	readonly overBudget?: boolean | undefined;
	readonly timeoutMs?: number | undefined;
	readonly maxRetries?: number | undefined;
}

/** The world around a chat, as the command line knows it. */
export function createChatHost(context: CommandContext, options: ChatHostOptions): ChatHost {
	const { io, debug, settings } = context;
	const { paths, config } = settings;
	const { onWarning, overBudget, timeoutMs, maxRetries } = options;
	const windows = new Map<string, number | null>();
	let names: readonly string[] | undefined;
	return {
		paths,
		folder: io.cwd,
		resolveModel: (name) => resolveAlias(name, config),
		createLLM: (model, session) =>
			createLLM(context, model, {
				command: "chat",
				session,
				quiet: true,
				timeoutMs,
				maxRetries,
				onWarning,
				...(debug && { onNote: onWarning }),
			}),
		contextWindow(model) {
			let window = windows.get(model);
			if (window === undefined) {
				window = contextWindowOf(model, settings);
				windows.set(model, window);
			}
			return window;
		},
		modelNames() {
			names ??= knownModels(settings);
			return names;
		},
		sessionSpent: (session) => sessionSpent(paths.ledger, session),
		checkBudget: async () => (await checkBudget(paths, config.budget, { overBudget })).warning,
		copy: (text) => copyText(io, text),
		now: () => Date.now(),
	};
}
