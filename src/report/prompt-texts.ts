import type { PromptsFile } from "../prompts/prompts-file.ts";
import type { Message } from "../types.ts";

/** Prompts are kept in memory while a report is written; of larger files it shows none. */
const mostCharacters = 200_000_000;

/** What was asked in each row, by its id, as a report shows it; undefined for a file that is too large for it. */
export function promptTexts(prompts: PromptsFile): ReadonlyMap<string, string> | undefined {
	const texts = new Map<string, string>();
	let characters = 0;
	for (const { row } of prompts.rows(() => {})) {
		const text = textOf(row.messages);
		characters += text.length;
		if (characters > mostCharacters) return undefined;
		texts.set(row.id, text);
	}
	return texts;
}

/** One user message is its text; a conversation has its roles before each. */
function textOf(messages: readonly Message[]): string {
	const [first] = messages;
	if (messages.length === 1 && first?.role === "user") return contentOf(first);
	return messages.map((message) => `${message.role}: ${contentOf(message)}`).join("\n\n");
}

function contentOf({ content }: Message): string {
	if (typeof content === "string") return content;
	return content.map((part) => (part.type === "text" ? part.text : `[${part.type}]`)).join("\n");
}
