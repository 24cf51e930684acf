import type { ModelFacts } from "../../chat/context.ts";
import type { ChatHost, KnownModel } from "../../chat/host.ts";
import { factsOfModel } from "../../chat/models.ts";
import { loadSettings } from "../../models/settings.ts";
import { compilePreset } from "../../prompts/presets.ts";
import { resolveAlias } from "../../state/aliases.ts";
import { readSession, sessionNames } from "../../state/sessions/sessions.ts";
import { checkBudget } from "../budget.ts";
import type { CommandContext } from "../command.ts";
import { listKnownModels } from "../known-models.ts";
import { createLLM } from "../llms.ts";
import { resolveModelName } from "../model-name.ts";
import { presetsOf } from "../prompt-files.ts";
import { copyText, readClipboardImage } from "./clipboard.ts";
import { runCommand } from "./shell.ts";

export interface ChatHostOptions {
	/** Called with non-fatal problems; the screen shows them where they fit. */
	readonly onWarning: (message: string) => void;
	readonly overBudget?: boolean | undefined;
	readonly timeoutMs?: number | undefined;
	readonly maxRetries?: number | undefined;
	readonly promptCache?: boolean | undefined;
	readonly schemaForm?: "field" | "prompt" | undefined;
}

/** So many sessions are looked at for the models that were used last. */
const recentSessions = 12;

/** The world around a chat, as the command line knows it. */
export function createChatHost(context: CommandContext, options: ChatHostOptions): ChatHost {
	const { io, debug, settings } = context;
	const { paths, config } = settings;
	const { onWarning, overBudget, timeoutMs, maxRetries, promptCache, schemaForm } = options;
	const facts = new Map<string, ModelFacts>();
	let choices: readonly KnownModel[] | undefined;
	let presets: ReturnType<typeof presetsOf> | undefined;
	const knownPresets = () => {
		presets ??= presetsOf(config, paths);
		return presets;
	};
	return {
		paths,
		folder: io.cwd,
		resolveModel: (name) => resolveModelName(settings, name),
		createLLM: (model, session, isFresh = false) =>
			createLLM(isFresh ? { ...context, settings: loadSettings(io.env) } : context, model, {
				command: "chat",
				session,
				quiet: true,
				timeoutMs,
				maxRetries,
				promptCache,
				schemaForm,
				onWarning,
				...(debug && { onNote: onWarning }),
			}),
		factsOf(model) {
			let known = facts.get(model);
			if (known === undefined) {
				known = factsOfModel(resolveAlias(model, config), settings);
				facts.set(model, known);
			}
			return known;
		},
		models() {
			choices ??= recentFirst(listKnownModels(settings), recentModels(paths));
			return choices;
		},
		presetNames: () => Object.keys(knownPresets()),
		fillPreset(name, input) {
			const preset = compilePreset({ presets: knownPresets() }, name);
			return { ...preset.fill(input), model: preset.model, parameters: preset.parameters };
		},
		checkBudget: async () => (await checkBudget(paths, config.budget, { overBudget })).warning,
		copy: (text) => copyText(io, text),
		clipboardImage: () => readClipboardImage(io),
		runCommand: (command, signal) => runCommand(io, command, signal),
		now: () => Date.now(),
	};
}

/** The models that sessions ended with, the last one first. */
function recentModels(paths: ChatHost["paths"]): string[] {
	return sessionNames(paths)
		.slice(0, recentSessions)
		.flatMap((name) => {
			try {
				return readSession(paths, name)?.model ?? [];
			} catch {
				// A file that is not a session of ours.
				return [];
			}
		});
}

function recentFirst(choices: readonly KnownModel[], recent: readonly string[]): KnownModel[] {
	const unknown = { inputPrice: null, outputPrice: null, contextWindow: null, isUsable: true, retired: null };
	const first = [...new Set(recent)].map(
		(name) => choices.find((choice) => choice.name === name) ?? { ...unknown, name },
	);
	return [...first, ...choices.filter(({ name }) => !recent.includes(name))];
}
