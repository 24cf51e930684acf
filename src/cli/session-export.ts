import type { Session } from "../state/session-lines.ts";
import { titleOf } from "../state/sessions.ts";
import type { Message } from "../types.ts";

/** A message's text; what is no text stands in brackets. */
export function textOf({ content }: Message): string {
	if (typeof content === "string") return content;
	return content
		.map((part) => {
			if (part.type === "text") return part.text;
			if (part.type === "file") return `[${part.filename ?? part.mediaType}]`;
			return `[${part.type}]`;
		})
		.join("\n");
}

const speakers = { user: "You", assistant: "Model", system: "System" } as const;

/** A session for people to read. */
export function sessionMarkdown(session: Session): string {
	const lines = [`# ${titleOf(session) || session.name}`, ""];
	const facts = [session.model, session.createdAt.slice(0, 10), `session ${session.name}`];
	lines.push(facts.filter(Boolean).join(" · "), "");
	if (session.system) lines.push("## System", "", session.system, "");
	for (const message of session.messages) {
		const model = message.model !== undefined && message.model !== session.model ? ` (${message.model})` : "";
		lines.push(`## ${speakers[message.role]}${model}`, "", textOf(message), "");
		if (message.interrupted) lines.push("*(interrupted)*", "");
	}
	return `${lines.join("\n").trimEnd()}\n`;
}

/** A session for programs, with everything that is kept of it. */
export function sessionJson(session: Session): string {
	const { name, title, model, system, parameters, folder, forkedFrom, createdAt, updatedAt, messages } =
		session;
	const exported = {
		name,
		title: title ?? null,
		model: model ?? null,
		system: system ?? null,
		parameters: parameters ?? {},
		folder,
		forked_from: forkedFrom,
		created_at: createdAt,
		updated_at: updatedAt,
		messages: messages.map(({ costUsd, ...message }) => ({ ...message, cost_usd: costUsd })),
	};
	return `${JSON.stringify(exported, null, 2)}\n`;
}
