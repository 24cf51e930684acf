import type { Parameters } from "../../parameters/table.ts";
import { type ContentPart, type FinishReason, isFinishReason, type Message } from "../../types.ts";
import { isUsageRow, type UsageRow } from "../usage-row.ts";

/** What holds for a session until it is changed. */
export interface SessionSettings {
	readonly title?: string | undefined;
	readonly model?: string | undefined;
	readonly system?: string | null | undefined;
	readonly parameters?: Parameters | undefined;
}

/** One line of a session's file. The history is what the lines, taken in order, make of it. */
export type SessionLine =
	| { type: "start"; at: string; folder: string; forked_from: string | null }
	| ({ type: "set"; at: string; parameters?: Readonly<Record<string, unknown>> | undefined } & Omit<
			SessionSettings,
			"parameters"
	  >)
	| { type: "renamed"; at: string; from: string }
	/** The conversation ends with this message from here on. */
	| { type: "head"; at: string; message: number | null }
	/** The messages so far are those of the session that this one was copied from. */
	| { type: "inherited"; at: string }
	/** As older versions cut a history back: to its first messages. */
	| { type: "keep"; at: string; messages: number }
	| {
			type: "message";
			at: string;
			id?: number | undefined;
			parent?: number | null | undefined;
			role: Message["role"];
			content: Message["content"];
			model?: string | undefined;
			usage?: UsageRow | null | undefined;
			cost_usd?: number | null | undefined;
			cached?: boolean | undefined;
			finish_reason?: FinishReason | undefined;
			interrupted?: boolean | undefined;
			cut?: boolean | undefined;
			attachments?: readonly string[] | undefined;
			summary?: boolean | undefined;
			copy_of?: number | undefined;
	  };

type Fields = Readonly<Record<string, unknown>>;

/** Reads a line as it stands in a file; undefined for one that is torn, or that llmx did not write. */
export function readSessionLine(text: string): SessionLine | undefined {
	let line: unknown;
	try {
		line = JSON.parse(text);
	} catch {
		return undefined;
	}
	if (!isFields(line) || !isTime(line.at)) return undefined;
	const { at } = line;
	switch (line.type) {
		case "start": {
			const { folder, forked_from: from = null } = line;
			if (typeof folder !== "string" || !isTextOrNull(from)) return undefined;
			return { type: "start", at, folder, forked_from: from };
		}
		case "set":
			return readSettings(line, at);
		case "keep": {
			const { messages } = line;
			if (!Number.isSafeInteger(messages) || (messages as number) < 0) return undefined;
			return { type: "keep", at, messages: messages as number };
		}
		case "renamed":
			return typeof line.from === "string" ? { type: "renamed", at, from: line.from } : undefined;
		case "head": {
			const { message } = line;
			return message === null || isId(message) ? { type: "head", at, message } : undefined;
		}
		case "inherited":
			return { type: "inherited", at };
		case "message":
			return readMessage(line, at);
		default:
			return undefined;
	}
}

function readSettings({ title, model, system, parameters }: Fields, at: string): SessionLine | undefined {
	if (!isOptionalText(title) || !isOptionalText(model)) return undefined;
	if (system !== undefined && !isTextOrNull(system)) return undefined;
	if (parameters !== undefined && !isFields(parameters)) return undefined;
	// A setting that the line does not name stays as it was.
	const settings = Object.entries({ title, model, system, parameters }).filter(
		([, value]) => value !== undefined,
	);
	return { type: "set", at, ...Object.fromEntries(settings) };
}

const roles: readonly unknown[] = ["system", "user", "assistant"] satisfies Message["role"][];

function readMessage(line: Fields, at: string): SessionLine | undefined {
	const { role, content, model, usage, cost_usd, cached, interrupted, cut, summary } = line;
	const { id, parent, finish_reason, attachments, copy_of } = line;
	if (!roles.includes(role) || !isContent(content) || !isOptionalText(model)) return undefined;
	if (usage !== undefined && usage !== null && !isUsageRow(usage)) return undefined;
	if (cost_usd !== undefined && cost_usd !== null && !Number.isFinite(cost_usd)) return undefined;
	if (!isOptionalFlag(cached) || !isOptionalFlag(interrupted)) return undefined;
	if (!isOptionalFlag(cut) || !isOptionalFlag(summary)) return undefined;
	if (finish_reason !== undefined && !isFinishReason(finish_reason)) return undefined;
	if (attachments !== undefined && !isTexts(attachments)) return undefined;
	if (!isOptionalId(id) || !isOptionalId(copy_of) || (parent !== null && !isOptionalId(parent)))
		return undefined;
	const known = {
		...{ id, parent, role, content, model, usage, cost_usd, cached, finish_reason, interrupted, cut },
		...{ attachments, summary, copy_of },
	};
	const given = Object.entries(known).filter(([, value]) => value !== undefined);
	return { type: "message", at, ...Object.fromEntries(given) } as SessionLine;
}

function isContent(value: unknown): value is Message["content"] {
	return typeof value === "string" || (Array.isArray(value) && value.every(isPart));
}

function isPart(value: unknown): value is ContentPart {
	if (!isFields(value)) return false;
	const { type, text, mediaType, data, url, filename } = value;
	if (type === "text") return typeof text === "string";
	const isWhole = typeof mediaType === "string" && typeof data === "string" && isOptionalText(filename);
	if (type === "image") return isWhole || typeof url === "string";
	return (type === "file" || type === "audio") && isWhole;
}

function isFields(value: unknown): value is Fields {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isTime(value: unknown): value is string {
	return typeof value === "string" && Number.isFinite(Date.parse(value));
}

function isId(value: unknown): value is number {
	return Number.isSafeInteger(value) && (value as number) > 0;
}

function isOptionalId(value: unknown): value is number | undefined {
	return value === undefined || isId(value);
}

function isTexts(value: unknown): value is readonly string[] {
	return Array.isArray(value) && value.every((text) => typeof text === "string");
}

function isTextOrNull(value: unknown): value is string | null {
	return typeof value === "string" || value === null;
}

function isOptionalText(value: unknown): value is string | undefined {
	return typeof value === "string" || value === undefined;
}

function isOptionalFlag(value: unknown): value is boolean | undefined {
	return typeof value === "boolean" || value === undefined;
}
