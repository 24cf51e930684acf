import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import type { Command } from "commander";
import { LlmxError, UsageError } from "../../errors.ts";
import { parseConfig } from "../../state/config.ts";
import { replaceFile } from "../../state/files.ts";
import { editorCommand, editorOf } from "../../terminal/editor.ts";
import { escapeJson, sanitizeLine } from "../../terminal/sanitize.ts";
import type { CommandContext } from "../command.ts";
import { configPath, configValue, valueAt, withValue } from "./edit.ts";

const examples = `
The config is one JSON file:
  default_model   model used when none is given
  aliases         { "fast": "sambanova/gpt-oss-120b" }
  models          parameters of a model: { "fast": { "temperature": 0, "max_tokens": 500 } }
  presets         named prompts: { "terse": "Answer in one sentence.",
                                   "translate": "Translate to {{language}}: {{input}}" }
  providers       servers of your own: { "corp": { "base_url": "https://…/v1", "key_env": "CORP_KEY" } }
  prices          { "corp/large": { "input": 1, "output": 4 } } in USD per million tokens; also cached, write,
                  audio, batch, from, context, max_output; "corp/*" for all models of a provider
  budget          { "daily": 5, "monthly": 50 } in USD: warns at 80 %, stops new calls at 100 %
  cache           { "enabled": true, "max_age_days": 30, "url": "redis://HOST:6379" } to share it

Examples:
  llmx config set default_model sambanova/Meta-Llama-3.3-70B-Instruct
  llmx config set aliases.fast sambanova/gpt-oss-120b
  llmx config set models.fast.temperature 0
  llmx config set budget.daily 5
  llmx config set prices.corp/large '{"input": 1, "output": 4, "cached": 0.1}'
  llmx config show budget
  llmx config edit`;

/** Adds the subcommands of `config`. */
export function define(command: Command, context: CommandContext, finish: (exitCode: number) => void): void {
	const { io } = context;
	const path = context.settings.paths.config;
	command
		.description("Show and change the config: default model, aliases, presets, providers, budgets, cache.")
		.addHelpText("after", examples);
	command
		.command("path")
		.description("print the path of the config")
		.action(() => {
			io.stdout.write(`${sanitizeLine(path)}\n`);
			finish(0);
		});
	command
		.command("show", { isDefault: true })
		.description("print the config, or one of its values, as JSON")
		.argument("[key]", "for example budget or aliases.fast")
		.action((key: string | undefined) => {
			show(path, key, context);
			finish(0);
		});
	command
		.command("set")
		.description("set a value, given as JSON or plain text")
		.argument("<key>", "for example budget.daily")
		.argument("<value>", "for example 5")
		.action((key: string, value: string) => {
			change(path, key, configValue(value));
			finish(0);
		});
	command
		.command("unset")
		.description("remove a value")
		.argument("<key>", "for example budget.daily")
		.action((key: string) => {
			if (valueAt(readObject(path), configPath(key)) === undefined)
				throw new UsageError(`"${key}" is not set`);
			change(path, key, undefined);
			finish(0);
		});
	command
		.command("edit")
		.description("open the config in $VISUAL or $EDITOR")
		.action(() => {
			edit(path, context);
			finish(0);
		});
}

function show(path: string, key: string | undefined, { io }: CommandContext): void {
	const config = withoutHeaders(readObject(path));
	const value = key === undefined ? config : valueAt(config, configPath(key));
	if (value === undefined) throw new UsageError(`"${key}" is not set`);
	io.stdout.write(`${escapeJson(withoutPasswords(JSON.stringify(value, null, 2)))}\n`);
}

/** A URL of a Redis may hold one. */
function withoutPasswords(json: string): string {
	return json.replaceAll(/("rediss?:\/\/[^":/@]*:)[^"]+@/gi, "$1…@");
}

/** The config without the values of headers: they may be keys. What names a variable is no secret. */
function withoutHeaders(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
	const { providers } = config;
	if (!isObject(providers)) return { ...config };
	const shown = Object.entries(providers).map(([id, provider]) => {
		if (!isObject(provider) || !isObject(provider.headers)) return [id, provider];
		const headers = Object.entries(provider.headers).map(([name, value]) => [name, shownHeader(value)]);
		return [id, { ...provider, headers: Object.fromEntries(headers) }];
	});
	return { ...config, providers: Object.fromEntries(shown) };
}

function shownHeader(value: unknown): unknown {
	return typeof value === "string" && !/^(?:[\w-]+ )?\$\{?\w+\}?$/.test(value) ? "[hidden]" : value;
}

function isObject(value: unknown): value is Record<string, unknown> {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

function change(path: string, key: string, value: unknown): void {
	const changed = withValue(readObject(path), configPath(key, value), value);
	const text = `${JSON.stringify(changed, null, indentOf(readText(path)))}\n`;
	// What would be refused on the next start is refused now; the line is of no use, since nothing was written.
	try {
		parseConfig(text, "config");
	} catch (error) {
		if (!(error instanceof LlmxError)) throw error;
		throw new UsageError(error.message.replace(/^config:\d+: /, ""), { hint: error.hint });
	}
	replaceFile(path, text);
}

/** The file as it is, once it is known to be valid. */
function readObject(path: string): Record<string, unknown> {
	const text = readText(path) || "{}";
	parseConfig(text, path);
	return JSON.parse(text.replace(/^\uFEFF/, "")) as Record<string, unknown>;
}

function readText(path: string): string {
	return existsSync(path) ? readFileSync(path, "utf8") : "";
}

/** The indentation that the user chose. */
function indentOf(text: string): string {
	return /^[{[]\r?\n([ \t]+)/.exec(text)?.[1] ?? "  ";
}

function edit(path: string, { io }: CommandContext): void {
	// An editor that nobody named opens only where there is somebody to see it.
	if (!io.env.VISUAL && !io.env.EDITOR && !io.stdout.isTTY)
		throw new UsageError("no editor is set", { hint: `set VISUAL or EDITOR, or edit ${path} yourself` });
	const editor = editorOf(io.env);
	// Text that was refused last time is what the user wants to keep editing.
	const draft = `${path}.draft`;
	if (!existsSync(draft)) replaceFile(draft, readText(path) || "{\n}\n");
	const { command, args, shell } = editorCommand(editor, draft);
	const run = spawnSync(command, args, { stdio: "inherit", env: io.env, shell });
	if (run.error !== undefined || run.status !== 0)
		throw new LlmxError(`the editor "${editor}" failed`, {
			hint: `VISUAL or EDITOR names another; your text is in ${draft}`,
			cause: run.error,
		});
	const text = readFileSync(draft, "utf8");
	try {
		parseConfig(text, draft);
	} catch (error) {
		if (!(error instanceof LlmxError)) throw error;
		throw new UsageError(error.message, {
			hint: "the config is unchanged; correct your text: llmx config edit",
		});
	}
	replaceFile(path, text);
	rmSync(draft);
}
