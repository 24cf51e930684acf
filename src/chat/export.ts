/** A session as a document. */

import type { Session } from "../state/session-lines.ts";
import { titleOf } from "../state/sessions.ts";
import { attachmentLabels, typedText } from "./content.ts";

export type ExportFormat = "md" | "json";

/** The whole session as text that ends with a newline. JSON keeps everything, markdown what a reader wants. */
export function exportSession(session: Session, format: ExportFormat): string {
	return format === "json" ? exportJson(session) : exportMarkdown(session);
}

function exportJson(session: Session): string {
	const { name, createdAt, updatedAt, folder, forkedFrom, title, model, system, parameters } = session;
	const messages = session.messages.map(({ costUsd, ...message }) => ({ ...message, cost_usd: costUsd }));
	const document = {
		...{ name, title, model, system, parameters, folder },
		...{ created_at: createdAt, updated_at: updatedAt, forked_from: forkedFrom, messages },
	};
	return `${JSON.stringify(document, null, 2)}\n`;
}

function exportMarkdown(session: Session): string {
	const { model, system, createdAt } = session;
	const parts = [`# ${titleOf(session) || session.name}`];
	parts.push([model, createdAt.slice(0, 10), session.name].filter(Boolean).join(" · "));
	if (system) parts.push(quote(system));
	for (const message of session.messages) {
		const isAnswer = message.role === "assistant";
		const who = isAnswer ? (message.model ?? "assistant") : message.role === "user" ? "You" : message.role;
		parts.push(`## ${who}`);
		const attached = attachmentLabels(message.content);
		if (attached.length > 0) parts.push(`*attached: ${attached.join(", ")}*`);
		parts.push(typedText(message.content));
		if (message.interrupted) parts.push("*(interrupted)*");
	}
	return `${parts.join("\n\n")}\n`;
}

function quote(text: string): string {
	return text
		.split("\n")
		.map((line) => `> ${line}`.trimEnd())
		.join("\n");
}
