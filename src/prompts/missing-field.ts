import { nearestNames } from "../state/nearest.ts";
import { isObject } from "./json.ts";
import { RowProblem } from "./parameters.ts";

type Fields = Readonly<Record<string, unknown>>;

/** How many field names a problem lists. */
const mostListed = 12;

/** The problem of a row without a field that an option names. `option` is the one that names another. */
export function missingField(name: string, fields: Fields, option: string): RowProblem {
	return new RowProblem(`no field ${JSON.stringify(name)}; ${knownFields(name, fields, option)}`);
}

/** The problem of a row without a prompt: what it may be instead, or which field might be meant. */
export function missingPrompt(column: string, fields: Fields): RowProblem {
	const foreign = foreignRow(fields);
	if (foreign !== undefined) return new RowProblem(foreign);
	return new RowProblem(
		`no field ${JSON.stringify(column)}; ${knownFields(column, fields, "--column", " or --template")}`,
	);
}

function knownFields(name: string, fields: Fields, option: string, orOther = ""): string {
	const names = Object.keys(fields);
	const [nearest] = [
		...names.filter((known) => known.trim().toLowerCase() === name.trim().toLowerCase()),
		...nearestNames(name, names, 1),
	];
	if (nearest !== undefined)
		return `did you mean ${JSON.stringify(nearest)}? (${option} ${shellWord(nearest)})`;
	const listed = names.slice(0, mostListed).map(visible).join(", ");
	const more = names.length > mostListed ? ", …" : "";
	return `the row has: ${listed === "" ? "nothing" : listed + more} (choose one with ${option} NAME${orOther})`;
}

/** A name with blanks around it, or none, is shown in quotes. */
function visible(name: string): string {
	return name.trim() === name && name !== "" ? name : JSON.stringify(name);
}

function shellWord(word: string): string {
	return /^[\w.-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** What a row is that was made for something else; undefined when it is nothing that is known. */
function foreignRow(fields: Fields): string | undefined {
	if (isObject(fields.params) && fields.custom_id !== undefined)
		return "a line of Anthropic's Message Batches; write its params.messages as messages";
	if (isObject(fields.request) && Array.isArray(fields.request.contents))
		return "a line of Gemini's Batch API; write its contents as messages";
	if (isObject(fields.body) && Array.isArray(fields.body.messages))
		return 'a line of OpenAI\'s Batch API without its "custom_id"';
	if (Array.isArray(fields.conversations))
		return 'a conversation in the form of ShareGPT; write it as "messages" with role and content';
	const list = Object.keys(fields).find(
		(name) => Array.isArray(fields[name]) && isObject((fields[name] as unknown[])[0]),
	);
	if (list !== undefined)
		return `no prompt; the rows seem to be in its list ${JSON.stringify(list)}: jq -c '.${/^\w+$/.test(list) ? list : JSON.stringify(list)}[]' makes them JSONL`;
	return undefined;
}
