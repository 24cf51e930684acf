import { UnsupportedError } from "../errors.ts";
import type { JsonSchemaFormat, Message } from "../types.ts";
import { unsupported } from "./parameters.ts";
import type { ProviderRow } from "./provider-row.ts";

/**
 * The system messages of a history as one text, for wires that take it apart from the rest; undefined without one.
 * @throws UnsupportedError when nothing is left beside them, or when one holds more than text
 */
export function takeSystem(
	provider: ProviderRow,
	messages: readonly Message[],
): { readonly system: string | undefined; readonly rest: readonly Message[] } {
	const texts = messages.filter(({ role }) => role === "system").map((message) => textOf(provider, message));
	const rest = messages.filter(({ role }) => role !== "system");
	if (rest.length === 0)
		throw new UnsupportedError(`${provider.label} needs a message of the user beside the system message`);
	return { system: texts.length === 0 ? undefined : texts.join("\n\n"), rest };
}

function textOf(provider: ProviderRow, { content }: Message): string {
	if (typeof content === "string") return content;
	return content
		.map((part) => {
			if (part.type !== "text")
				throw unsupported(provider, `a system message with a part of type ${part.type}`);
			return part.text;
		})
		.join("\n");
}

/** The messages with a schema in the system message, for models that have no field for one. */
export function withDemand(messages: readonly Message[], { schema }: JsonSchemaFormat): readonly Message[] {
	const demand = `Answer with JSON only, without a code fence, that satisfies this JSON Schema:\n${JSON.stringify(schema)}`;
	const [first, ...rest] = messages;
	if (first?.role !== "system") return [{ role: "system", content: demand }, ...messages];
	const content =
		typeof first.content === "string"
			? `${first.content}\n\n${demand}`
			: [...first.content, { type: "text" as const, text: demand }];
	return [{ role: "system", content }, ...rest];
}

/** The messages with what the system says at the beginning of what the user says first, for models without system messages. */
export function withoutSystem(provider: ProviderRow, messages: readonly Message[]): readonly Message[] {
	const { system, rest } = takeSystem(provider, messages);
	const [first, ...others] = rest;
	if (system === undefined || first === undefined) return rest;
	const { content } = first;
	const parts = typeof content === "string" ? [{ type: "text" as const, text: content }] : content;
	return [{ ...first, content: [{ type: "text", text: system }, ...parts] }, ...others];
}
