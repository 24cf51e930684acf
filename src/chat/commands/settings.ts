import { UsageError } from "../../errors.ts";
import { estimateInputTokens, estimateTextTokens } from "../../models/tokens.ts";
import type { CacheMode } from "../../options.ts";
import { formatCost, formatCount, formatPlural, formatTokens } from "../../terminal/formats.ts";
import type { Chat } from "../chat.ts";
import { changeSetting, describeSettings, settingNames } from "../settings.ts";
import type { ChatCommand } from "./command.ts";

const cacheModes: Readonly<Record<string, CacheMode>> = { on: true, off: false, refresh: "refresh" };

/** Commands about who answers, how, and what it costs. */
export const settingCommands: readonly ChatCommand[] = [
	{
		name: "model",
		argument: "[name]",
		summary: "show or switch the model",
		completes: "model",
		run(chat, name) {
			if (name !== "") chat.setModel(name);
			const window = chat.contextWindow;
			const size = window === null ? "" : `, reads ${formatTokens(window)} tokens`;
			chat.view.notice(`model: ${chat.model}${size}`);
		},
	},
	{
		name: "system",
		argument: "[text]",
		summary: "show or set the system prompt (none: remove it)",
		run(chat, text) {
			if (text !== "") chat.setSystem(text === "none" ? undefined : text);
			chat.view.notice(chat.system === undefined ? "no system prompt" : `system prompt: ${chat.system}`);
		},
	},
	{
		name: "set",
		argument: "key value",
		summary: "set a parameter (no value: unset it)",
		completes: settingNames,
		run(chat, argument) {
			const [, name = "", value = ""] = /^(\S*)\s*(.*)$/s.exec(argument) ?? [];
			if (name === "") throw new UsageError("set what?", { hint: "/set temperature 0.2" });
			chat.setParameters(changeSetting(chat.parameters, name, value));
			showParameters(chat);
		},
	},
	{ name: "params", summary: "show the parameters that are set", run: showParameters },
	{
		name: "cache",
		argument: "on|off|refresh",
		summary: "reuse answers, never, or ask afresh and keep the answer",
		completes: Object.keys(cacheModes),
		run(chat, mode) {
			if (mode !== "") {
				if (!Object.hasOwn(cacheModes, mode)) {
					throw new UsageError(`"${mode}" is no cache mode`, {
						hint: "/cache on, /cache off or /cache refresh",
					});
				}
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
		summary: "what this session cost",
		run(chat) {
			const { inputTokens, cachedInputTokens, outputTokens } = chat.usage;
			const cached = cachedInputTokens > 0 ? ` (${formatCount(cachedInputTokens)} cached)` : "";
			const tokens = `${formatCount(inputTokens)} tokens in${cached}, ${formatCount(outputTokens)} out`;
			chat.view.notice(
				`this session: ${formatCost(chat.cost)} · ${tokens}\nall sessions and commands: llmx cost`,
			);
		},
	},
	{
		name: "tokens",
		summary: "what the next question is sent with, in tokens",
		run(chat) {
			const { contextWindow: window, contextTokens: used } = chat;
			const of = window === null ? "" : ` of ${formatCount(window)} (${Math.round((100 * used) / window)} %)`;
			const lines = [
				`history: ${formatCount(used)} tokens${of} in ${formatPlural(chat.turns.length, "turn")}`,
			];
			if (chat.system !== undefined) {
				lines.push(`system prompt: about ${formatCount(estimateTextTokens(chat.system))} of them`);
			}
			if (chat.attachments.length > 0) {
				const content = chat.attachments.map(({ part }) => part);
				lines.push(`attached: about ${formatCount(estimateInputTokens([{ role: "user", content }]))} more`);
			}
			chat.view.notice(lines.join("\n"));
		},
	},
];

function showParameters(chat: Chat): void {
	chat.view.notice(
		describeSettings(chat.parameters) || "no parameters are set: the model's own defaults hold",
	);
}
