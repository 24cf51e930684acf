import type { Parameters } from "../parameters/table.ts";
import type { ContentPart, Message } from "../types.ts";
import { isUsageRow, type UsageRow } from "./usage-row.ts";

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
	| { type: "keep"; at: string; messages: number }
	| {
			type: "message";
			at: string;
			role: Message["role"];
			content: Message["content"];
			model?: string | undefined;
			usage?: UsageRow | null | undefined;
			cost_usd?: number | null | undefined;
			cached?: boolean | undefined;
			interrupted?: boolean | undefined;
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
	const { role, content, model, usage, cost_usd, cached, interrupted } = line;
	if (!roles.includes(role) || !isContent(content) || !isOptionalText(model)) return undefined;
	if (usage !== undefined && usage !== null && !isUsageRow(usage)) return undefined;
	if (cost_usd !== undefined && cost_usd !== null && !Number.isFinite(cost_usd)) return undefined;
	if (!isOptionalFlag(cached) || !isOptionalFlag(interrupted)) return undefined;
	const known = { role, content, model, usage, cost_usd, cached, interrupted };
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

function isTextOrNull(value: unknown): value is string | null {
	return typeof value === "string" || value === null;
}

function isOptionalText(value: unknown): value is string | undefined {
	return typeof value === "string" || value === undefined;
}

function isOptionalFlag(value: unknown): value is boolean | undefined {
	return typeof value === "boolean" || value === undefined;
}
