/** A session as a document. */

import type { SessionLine } from "../state/sessions/session-line.ts";
import { lineOf, type Session, type SessionMessage } from "../state/sessions/session-lines.ts";
import { childrenOf } from "../state/sessions/session-tree.ts";
import { titleOf } from "../state/sessions/sessions.ts";
import { attachmentLabels, typedText } from "./content.ts";
import { type AnswerMarks, noteOf } from "./marks.ts";

export type ExportFormat = "md" | "json";

/** What of a session is written. */
export interface ExportOptions {
	/** Also what was undone, changed or asked for again. */
	readonly all?: boolean | undefined;
}

/** The session as text that ends with a newline. JSON keeps everything, markdown what a reader wants. */
export function exportSession(session: Session, format: ExportFormat, options: ExportOptions = {}): string {
	return format === "json" ? exportJson(session) : exportMarkdown(session, options);
}

/** In the spelling of files: it says the same as the session's own file, of which it is a reading. */
function exportJson(session: Session): string {
	const { name, createdAt, updatedAt, folder, forkedFrom, title, model, system, parameters } = session;
	const current = new Set(session.messages.map(({ id }) => id));
	const document = {
		...{ name, title, model, system, parameters: parameters && snakeCase(parameters), folder },
		...{ created_at: createdAt, updated_at: updatedAt, forked_from: forkedFrom },
		messages: session.all.map((message) => ({
			...messageRow(message),
			...(!current.has(message.id) && { elsewhere: true }),
		})),
	};
	return `${JSON.stringify(document, null, 2)}\n`;
}

function messageRow(message: SessionMessage): object {
	const { type: _type, content, ...row } = lineOf(message) as Extract<SessionLine, { type: "message" }>;
	return { ...row, content: typeof content === "string" ? content : content.map(snakeCase) };
}

function snakeCase(fields: object): object {
	return Object.fromEntries(
		Object.entries(fields).map(([name, value]) => [
			name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
			value,
		]),
	);
}

function exportMarkdown(session: Session, { all = false }: ExportOptions): string {
	const { model, system, createdAt } = session;
	const parts = [`# ${titleOf(session) || session.name}`];
	parts.push([model, createdAt.slice(0, 10), session.name].filter(Boolean).join(" · "));
	if (system) parts.push(quote(system));
	const current = new Set(session.messages.map(({ id }) => id));
	const messages = all ? session.all.filter(({ copyOf }) => copyOf === undefined) : session.messages;
	for (const message of messages) {
		const isAnswer = message.role === "assistant";
		const who = isAnswer ? (message.model ?? "assistant") : message.role === "user" ? "You" : message.role;
		const notes = [
			isAnswer ? answerNumber(session, message) : "",
			current.has(message.id) ? "" : "other branch",
		];
		parts.push(`## ${[who, ...notes].filter(Boolean).join(" · ")}`);
		const attached = message.attachments ?? attachmentLabels(message.content);
		if (attached.length > 0) parts.push(`*attached: ${attached.join(", ")}*`);
		parts.push(typedText(message.content));
		const note = isAnswer ? noteOf(marksOf(message), message.cached === true) : "";
		if (note !== "") parts.push(`*(${note})*`);
	}
	return `${parts.join("\n\n")}\n`;
}

function marksOf({ interrupted, cut, finishReason, content }: SessionMessage): AnswerMarks {
	const isCut = cut === true;
	return { interrupted: interrupted === true, isCut, hasText: content.length > 0, finishReason };
}

/** `answer 2 of 3` where a question has several. */
function answerNumber({ all }: Session, { id, parent }: SessionMessage): string {
	const answers = childrenOf(all, parent).filter(({ role }) => role === "assistant");
	if (answers.length < 2) return "";
	return `answer ${answers.findIndex((answer) => answer.id === id) + 1} of ${answers.length}`;
}

function quote(text: string): string {
	return text
		.split("\n")
		.map((line) => `> ${line}`.trimEnd())
		.join("\n");
}
