import { UsageError } from "../../errors.ts";
import { estimateTextTokens } from "../../models/tokens.ts";
import type { CacheMode } from "../../options.ts";
import { formatCost, formatCount, formatPlural, formatUsd } from "../../terminal/formats.ts";
import type { Chat } from "../chat.ts";
import { describeModel, pickModel } from "../pickers.ts";
import { changeSetting, describeSettings, settingNames } from "../settings.ts";
import { attachMentioned } from "./attachments.ts";
import type { ChatCommand } from "./command.ts";

const cacheModes: Readonly<Record<string, CacheMode>> = { on: true, off: false, refresh: "refresh" };

/** Commands about who answers, how, and what it costs. */
export const settingCommands: readonly ChatCommand[] = [
	{
		name: "model",
		argument: "[name]",
		summary: "choose a model, or switch to MODEL",
		group: "model",
		completes: "model",
		async run(chat, name) {
			if (name === "") {
				chat.view.pick(pickModel(chat));
				return;
			}
			await chat.setModel(name);
			chat.view.notice(describeModel(chat));
		},
	},
	{
		name: "system",
		argument: "[text]",
		summary: "show or set the system prompt (none: remove it)",
		group: "model",
		run(chat, text) {
			const { session } = chat;
			if (text !== "") session.system = text === "none" ? undefined : text;
			chat.view.notice(
				session.system === undefined ? "no system prompt" : `system prompt: ${session.system}`,
			);
			chat.view.changed();
		},
	},
	{
		name: "preset",
		argument: "NAME [input]",
		summary: "use a preset or prompt file from your config",
		group: "model",
		completes: "preset",
		async run(chat, argument) {
			const [, name = "", input = ""] = /^(\S*)\s*(.*)$/s.exec(argument) ?? [];
			if (name === "") {
				const names = chat.host.presetNames();
				const none = `there are no presets yet: llmx config --help, or prompt files in ${chat.host.paths.prompts}`;
				chat.view.notice(names.length === 0 ? none : `presets: ${names.join(", ")}`);
				return;
			}
			await applyPreset(chat, name, input);
		},
	},
	{
		name: "set",
		argument: "key value",
		summary: "set a parameter (no value: unset it)",
		group: "model",
		completes: settingNames,
		run(chat, argument) {
			const [, name = "", value = ""] = /^(\S*)\s*(.*)$/s.exec(argument) ?? [];
			if (name === "") throw new UsageError("set what?", { hint: "/set temperature 0.2" });
			chat.setParameters(changeSetting(chat.parameters, name, value));
			showParameters(chat);
		},
	},
	{
		name: "params",
		summary: "show the parameters that are set",
		group: "model",
		whileAnswering: true,
		run: showParameters,
	},
	{
		name: "cache",
		argument: "on|off|refresh",
		summary: "use cached answers, ignore them, or replace them",
		group: "model",
		completes: Object.keys(cacheModes),
		run(chat, mode) {
			if (mode !== "") {
				if (!Object.hasOwn(cacheModes, mode))
					throw new UsageError(`unknown cache mode "${mode}"`, {
						hint: "/cache on, /cache off or /cache refresh",
					});
				chat.cache = cacheModes[mode] ?? true;
			}
			const name =
				Object.entries(cacheModes).find(([, value]) => value === chat.cache)?.[0] ?? String(chat.cache);
			chat.view.notice(`cache: ${name}`);
			chat.view.changed();
		},
	},
	{
		name: "cost",
		summary: "show what this session has cost",
		group: "session",
		whileAnswering: true,
		async run(chat) {
			await chat.session.spending;
			const { cost, usage } = chat.session.spent;
			const { inputTokens, cachedInputTokens, outputTokens } = usage;
			const cached = cachedInputTokens > 0 ? ` (${formatCount(cachedInputTokens)} cached)` : "";
			const tokens = `${formatCount(inputTokens)} tokens in${cached}, ${formatCount(outputTokens)} out`;
			chat.view.notice(`this session: ${formatCost(cost)} · ${tokens}\nall sessions and commands: llmx cost`);
		},
	},
	{
		name: "tokens",
		summary: "show how many tokens the next question sends",
		group: "session",
		whileAnswering: true,
		run: showTokens,
	},
];

/** Takes the preset's system prompt, model and parameters; what it asks goes out, or into the box when it needs more. */
export async function applyPreset(chat: Chat, name: string, input: string): Promise<void> {
	const preset = chat.host.fillPreset(name, input === "" ? null : input);
	await attachMentioned(chat, input);
	if (preset.model !== undefined) await chat.setModel(preset.model);
	if (preset.system !== undefined) chat.session.system = preset.system;
	if (Object.keys(preset.parameters).length > 0)
		chat.setParameters({ ...chat.parameters, ...preset.parameters });
	if (input !== "") await chat.ask(preset.prompt);
	else {
		chat.view.notice(
			`preset ${name}: ${chat.model}${chat.session.system === undefined ? "" : ", system prompt set"}`,
		);
		chat.view.changed();
	}
}

function showTokens(chat: Chat): void {
	const { session } = chat;
	const used = session.contextTokens;
	const { contextWindow: window } = chat.host.factsOf(chat.model);
	const of = window === null ? "" : ` of ${formatCount(window)} (${Math.round((100 * used) / window)} %)`;
	const lines = [
		`history: ${formatCount(used)} tokens${of} in ${formatPlural(session.turns.length, "turn")}`,
	];
	if (session.system !== undefined)
		lines.push(`system prompt: about ${formatCount(estimateTextTokens(session.system))} of them`);
	const { attachedTokens, inputUsd } = chat.estimate("");
	if (attachedTokens > 0) lines.push(`attached: about ${formatCount(attachedTokens)} more`);
	if (inputUsd !== null && inputUsd > 0)
		lines.push(`sending that costs about ${formatUsd(inputUsd)}, plus the answer`);
	chat.view.notice(lines.join("\n"));
}

function showParameters(chat: Chat): void {
	chat.view.notice(describeSettings(chat.parameters) || "no parameters are set; the model's defaults apply");
}
