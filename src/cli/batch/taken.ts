import type { PromptsFile } from "../../prompts/prompts-file.ts";
import type { Checked } from "../../results/checked.ts";
import { formatCount } from "../../terminal/formats.ts";
import { sanitizeLine } from "../../terminal/sanitize.ts";
import type { BatchFlags } from "./flags.ts";

/** What rows are made of, each with its label: where the prompt and the id come from, which fields set parameters. */
export function takenParts(prompts: PromptsFile, flags: BatchFlags): [label: string, text: string][] {
	if (prompts.format === "text") return [];
	const { ids, numbers, prompts: single, messages, parameters, unused } = prompts.use;
	const isTable = prompts.table !== undefined;
	const noun = isTable ? "column" : "field";
	const field = (name: string) => `${noun} ${JSON.stringify(name)}`;
	const idName = flags.id || "id";
	const prompt = flags.template === undefined ? field(flags.column) : "the template";
	const parts: [string, string][] = [
		["prompt", messages === 0 ? prompt : single === 0 ? "messages" : `${prompt}, or messages`],
		["id", ids === 0 ? "row number" : numbers > 0 ? `${field(idName)}, else row number` : field(idName)],
	];
	if (parameters.size > 0) parts.push(["sets", list(parameters)]);
	if (unused.size > 0)
		parts.push(["data", `${list(unused)} (--params-from-columns sends them as parameters)`]);
	return parts;
}

/** The same in one line, as the summary's are. */
export function takenLine(prompts: PromptsFile, flags: BatchFlags): string | undefined {
	const parts = takenParts(prompts, flags);
	if (parts.length === 0) return undefined;
	const words: Record<string, string> = {
		sets: "parameters from",
		data: "as data",
		prompt: "prompt from",
		id: "id from",
	};
	return sanitizeLine(`input     ${parts.map(([label, text]) => `${words[label]} ${text}`).join(" · ")}`);
}

/** What else there is to say about the prompts file: empty rows, odd headers. */
export function noteLines({ notes }: Checked, name: string): string[] {
	return [...notes].map(([note, count]) =>
		sanitizeLine(`${name}: ${count > 1 ? `${formatCount(count)} × ` : ""}${note}`),
	);
}

function list(names: ReadonlySet<string>): string {
	return [...names].slice(0, 12).join(", ") + (names.size > 12 ? ", …" : "");
}
