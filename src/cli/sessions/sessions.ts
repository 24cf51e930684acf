import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Command, Option } from "commander";
import { typedText } from "../../chat/content.ts";
import { type ExportFormat, exportSession } from "../../chat/export.ts";
import { exitCodes, LlmxError, UsageError } from "../../errors.ts";
import { replaceFile } from "../../state/files.ts";
import type { Paths } from "../../state/paths.ts";
import { nothingSpent, readSessionCosts } from "../../state/sessions/session-costs.ts";
import { damageOf, type Session } from "../../state/sessions/session-lines.ts";
import {
	readSession,
	removeSession,
	renameSession,
	requireSession,
	sessionNames,
	straySessions,
	titleOf,
} from "../../state/sessions/sessions.ts";
import { formatAge, formatCostBrief, formatCount, roundUsd } from "../../terminal/formats.ts";
import { escapeJson, sanitize, sanitizeLine } from "../../terminal/sanitize.ts";
import { colorsFor, widthOf } from "../ask/answer-writer.ts";
import type { CommandContext } from "../command.ts";
import { agreeToDelete } from "../confirm.ts";
import type { Io } from "../io.ts";
import { renderTextTable } from "../text-table.ts";

const examples = `
Examples:
  llmx sessions list
  llmx sessions search "rate limit"
  llmx sessions export tuesday-notes > notes.md
  llmx sessions export tuesday-notes --format json -o notes.json`;

interface ExportFlags {
	readonly format: ExportFormat;
	readonly output?: string;
	readonly overwrite?: boolean;
	readonly all?: boolean;
}

/** Adds the subcommands of `sessions`. */
export function define(command: Command, context: CommandContext, finish: (exitCode: number) => void): void {
	const { io } = context;
	const { paths } = context.settings;
	command
		.description("List, search and export the conversations of chat and ask.")
		.addHelpText("after", examples);
	command
		.command("list", { isDefault: true })
		.description("list all sessions, most recent first")
		.option("--json", "print one JSON array")
		.action(async (flags: { readonly json?: boolean }) => finish(await list(paths, flags, context)));
	command
		.command("show")
		.description("print a session")
		.argument("<session>", "its name")
		.option("--all", "include turns that were undone, edited or retried")
		.action(async (name: string, flags: { readonly all?: boolean }) =>
			finish(await show(paths, name, flags, io)),
		);
	command
		.command("search")
		.description("find messages that contain a text, ignoring case")
		.argument("<text...>", "what to look for")
		.action((words: string[]) => finish(search(paths, words.join(" "), context)));
	command
		.command("export")
		.description("export a session as Markdown or JSON")
		.argument("<session>", "its name")
		.option("--all", "in Markdown include turns that were undone, edited or retried (JSON has it always)")
		.addOption(new Option("--format <format>", "md or json").choices(["md", "json"]).default("md"))
		.addOption(new Option("--json", "same as --format json").implies({ format: "json" }))
		.option("-o, --output <path>", "file to write instead of stdout")
		.option("--overwrite", "replace the file if it exists")
		.action((name: string, flags: ExportFlags) => finish(writeExport(paths, name, flags, context)));
	command
		.command("rename")
		.description("rename a session")
		.argument("<session>", "its name")
		.argument("<new>", "its new name")
		.action(async (from: string, to: string) => {
			await renameSession(paths, from, to);
			finish(0);
		});
	command
		.command("rm")
		.description("delete sessions")
		.argument("<session...>", "their names")
		.option("-y, --yes", "do not ask")
		.action(async (names: string[], flags: { readonly yes?: boolean }) =>
			finish(await remove(paths, names, flags, io)),
		);
}

/** Every session that can be read; what cannot is said. */
function* allSessions(paths: Paths, io: Io): Iterable<Session> {
	for (const name of sessionNames(paths)) {
		try {
			const session = readSession(paths, name);
			if (session === undefined) continue;
			sayDamage(paths, session, io);
			yield session;
		} catch (error) {
			if (!(error instanceof LlmxError)) throw error;
			io.stderr.write(`llmx: ${sanitizeLine(error.message)}; skipped\n`);
		}
	}
	for (const path of straySessions(paths))
		io.stderr.write(`llmx: ${sanitizeLine(path)} is not a session; skipped\n`);
}

function sayDamage(paths: Paths, session: Session, io: Io): void {
	const damage = damageOf(join(paths.sessions, `${session.name}.jsonl`), session);
	if (damage !== undefined) io.stderr.write(`llmx: ${sanitizeLine(damage)}\n`);
}

/** A session that is to be shown. */
function open(paths: Paths, name: string, io: Io): Session {
	const session = requireSession(paths, name);
	sayDamage(paths, session, io);
	return session;
}

async function list(
	paths: Paths,
	flags: { readonly json?: boolean },
	{ io }: CommandContext,
): Promise<number> {
	const sessions = [...allSessions(paths, io)];
	const costs = await readSessionCosts(paths, sessions);
	const costOf = ({ name }: Session) => (costs.get(name) ?? nothingSpent).cost;
	if (flags.json) {
		const rows = sessions.map((session) => ({
			name: session.name,
			title: titleOf(session),
			model: session.model ?? null,
			folder: session.folder,
			messages: session.messages.length,
			messages_on_all_branches: session.all.filter(({ copyOf }) => copyOf === undefined).length,
			created_at: session.createdAt,
			updated_at: session.updatedAt,
			cost_usd: roundUsd(costOf(session).usd),
			unknown_calls: costOf(session).unknownCalls,
		}));
		io.stdout.write(`${escapeJson(JSON.stringify(rows))}\n`);
		return 0;
	}
	if (sessions.length === 0) {
		io.stderr.write("llmx: no sessions yet; start one with llmx chat or llmx ask --session NAME\n");
		return 0;
	}
	const now = Date.now();
	const rows = sessions.map((session) => [
		session.name,
		formatAge(now - Date.parse(session.updatedAt)),
		formatCount(session.messages.length),
		formatCostBrief(costOf(session)),
		sanitizeLine(session.model ?? ""),
		sanitizeLine(titleOf(session)),
	]);
	const columns = [
		{ title: "session" },
		{ title: "used" },
		{ title: "messages", align: "right" },
		{ title: "cost", align: "right" },
		{ title: "model" },
		{ title: "title", flexible: true },
	] as const;
	const width = io.stdout.isTTY ? io.stdout.columns : undefined;
	io.stdout.write(renderTextTable(columns, rows, { width, colors: colorsFor(io, "stdout") }));
	return 0;
}

/** On a terminal a session looks as it did in the chat. */
async function show(paths: Paths, name: string, flags: { readonly all?: boolean }, io: Io): Promise<number> {
	const text = exportSession(open(paths, name, io), "md", flags);
	if (!io.stdout.isTTY || io.env.TERM === "dumb") {
		io.stdout.write(sanitize(text, io.stdout.isTTY ? "terminal" : "pipe"));
		return 0;
	}
	const { renderMarkdown } = await import("../../terminal/markdown/markdown.ts");
	const style = { width: widthOf(io.stdout), colors: colorsFor(io, "stdout") };
	io.stdout.write(renderMarkdown(sanitize(text), style));
	return 0;
}

async function remove(
	paths: Paths,
	names: readonly string[],
	flags: { readonly yes?: boolean },
	io: Io,
): Promise<number> {
	// All names are looked at first: a typing error in the last one deletes nothing.
	for (const name of names) requireSession(paths, name);
	const what = names.length === 1 ? `the session ${names[0]}` : `${names.length} sessions`;
	if (!(await agreeToDelete(io, flags.yes, `delete ${what}, with all answers in it?`)))
		return exitCodes.usage;
	for (const name of names) await removeSession(paths, name);
	if (io.stderr.isTTY) io.stderr.write(`llmx: deleted ${sanitizeLine(what)}\n`);
	return 0;
}

/** How much of a message is shown around what was found. */
const shownAround = 40;

function search(paths: Paths, wanted: string, { io }: CommandContext): number {
	const colors = colorsFor(io, "stdout");
	const needle = wanted.toLowerCase();
	let found = 0;
	for (const session of allSessions(paths, io)) {
		const current = new Set(session.messages.map(({ id }) => id));
		for (const message of session.all) {
			if (message.copyOf !== undefined) continue;
			const text = typedText(message.content).replace(/\s+/g, " ");
			const at = text.toLowerCase().indexOf(needle);
			if (at < 0) continue;
			found += 1;
			const start = Math.max(0, at - shownAround);
			const end = Math.min(text.length, at + wanted.length + shownAround);
			const excerpt = `${start > 0 ? "…" : ""}${text.slice(start, end)}${end < text.length ? "…" : ""}`;
			const where = `${session.name}:${message.id}`;
			const branch = current.has(message.id) ? "" : " (other branch)";
			io.stdout.write(`${colors.bold(where)} ${message.role}${branch}: ${sanitizeLine(excerpt)}\n`);
		}
	}
	return found > 0 ? 0 : 1;
}

function writeExport(paths: Paths, name: string, flags: ExportFlags, { io }: CommandContext): number {
	const session = open(paths, name, io);
	const text = exportSession(session, flags.format, flags);
	if (flags.output === undefined) {
		io.stdout.write(
			flags.format === "json" ? escapeJson(text) : sanitize(text, io.stdout.isTTY ? "terminal" : "pipe"),
		);
		return 0;
	}
	const path = resolve(io.cwd, flags.output);
	if (existsSync(path) && !flags.overwrite)
		throw new UsageError(`${flags.output} already exists`, { hint: "use --overwrite to replace it" });
	replaceFile(path, text);
	return 0;
}
