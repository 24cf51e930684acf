import { UnsupportedError } from "../errors.ts";
import type { Message } from "../types.ts";
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
	if (rest.length === 0) {
		throw new UnsupportedError(`${provider.label} needs a message of the user beside the system message`);
	}
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
