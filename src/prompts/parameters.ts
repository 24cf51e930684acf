import {
	findLookalike,
	findMisspelt,
	findParameter,
	isOwnName,
	type NamedParameter,
} from "../parameters/names.ts";
import { type ParameterKey, type Parameters, rowOf } from "../parameters/table.ts";
import { integer, refusal } from "../parameters/values.ts";
import { isObject } from "./json.ts";

/** Something about a row that must be fixed before anything is sent; the reader adds file and line. */
export class RowProblem extends Error {}

type Writable = { -readonly [Name in keyof Parameters]: Parameters[Name] };

/**
 * Fields by which some servers and proxies let a request choose where it goes and who pays. A prompts file often comes
 * from somebody else, so a row may not set them.
 */
const forbidden =
	/^(?:x[-_])?(?:api[-_]?(?:key|base|version|type)|base[-_]?url|(?:extra|default)?[-_]?headers|authorization|organization|user[-_]config|fallbacks|model[-_]list|(?:aws|vertex|azure|litellm)[-_].*)$/i;

/** Providers' own parameters by their usual names: beside a prompt they would be sent nowhere. */
const providersOwn =
	/^(?:min_p|top_a|typical_p|repetition_penalty|repeat_penalty|logit_bias|logprobs|top_logprobs|tools|tool_choice|functions|function_call|parallel_tool_calls|service_tier|extra_body|enable_thinking|chat_template_kwargs|guided_json|safety_settings|generation_config|generationConfig|stream)$/;

/** What kind of request it is and where it goes is said elsewhere in a row, or by flags. */
const setByLlmx = new Set(["model", "messages", "input", "contents", "stream"]);

const answers = integer(1);

/** Whether a field of this name and value sets a parameter where fields may do that. */
export function setsParameter(name: string, value: unknown): boolean {
	const found = findParameter(name);
	if (found === undefined) return name === "n";
	return isOwnName(name) || found.isCertain || rowOf(found.key).accepts.read(value) !== null;
}

/** Collects the parameters of one row. */
export class ParameterReader {
	readonly parameters: Writable = {};
	n: number | undefined;
	readonly #warn: (name: string, text: string) => void;
	/** The names that set a parameter in this row; most rows set none. */
	#names: Map<ParameterKey, string> | undefined;
	#extra: Record<string, unknown> | undefined;

	/** `warn` hears of a field that looks like a parameter and is not taken as one. */
	constructor(warn: (name: string, text: string) => void) {
		this.#warn = warn;
	}

	/**
	 * Takes a field that stands beside the prompt, if it is a parameter; false when it is the user's own. One that is
	 * filled into the prompt is a parameter only under the parameter's own name.
	 * @throws RowProblem for a value that the parameter cannot have
	 */
	takeField(name: string, value: unknown, isFilledIn = false): boolean {
		if (isFilledIn && name !== "n" && !isOwnName(name)) return false;
		if (this.#take(name, value, "kept as metadata, not sent")) return true;
		if (providersOwn.test(name))
			this.#warn(name, `"${name}" is kept as metadata, not sent; put it into "parameters" to send it`);
		return false;
	}

	/** Takes every field of a `parameters` object or a request body but those named: what llmx does not know is sent as it is. */
	takeAll(fields: Readonly<Record<string, unknown>>, except: ReadonlySet<string>): void {
		for (const [name, value] of Object.entries(fields)) {
			if (except.has(name) || this.#take(name, value, "sent as it is")) continue;
			this.#takeExtra(name, value);
		}
	}

	#take(name: string, value: unknown, otherwise: string): boolean {
		if (name === "n") {
			this.#takeN(value);
			return true;
		}
		const found = findParameter(name);
		if (found === undefined) {
			this.#warnOfSimilar(name, value, otherwise);
			return false;
		}
		// Null and the empty cell of a table leave it unset.
		if (!isGiven(value)) return found.isCertain;
		return this.#set(name, value, found, otherwise);
	}

	#set(name: string, value: unknown, { key, isCertain }: NamedParameter, otherwise: string): boolean {
		const row = rowOf(key);
		const read = row.accepts.read(value);
		if (read === null) {
			const text = refusal(`"${name}"`, row.accepts, value);
			if (isCertain) throw new RowProblem(text);
			this.#warn(name, `"${name}" is ${otherwise}: as ${row.name} it must be ${row.accepts.wanted}`);
			return false;
		}
		const before = this.#names?.get(key);
		if (before !== undefined && JSON.stringify(this.parameters[key]) !== JSON.stringify(read)) {
			const names =
				before === name ? `"${name}" is set twice` : `"${before}" and "${name}" are the same parameter`;
			throw new RowProblem(`${names}, with different values`);
		}
		this.#names ??= new Map();
		this.#names.set(key, name);
		if (read !== undefined) Object.assign(this.parameters, { [key]: read });
		return true;
	}

	#takeN(value: unknown): void {
		if (!isGiven(value)) return;
		const read = answers.read(value);
		if (read === null) throw new RowProblem(refusal('"n"', answers, value));
		this.n = read;
	}

	/** A provider's own field, to be sent as it is. */
	#takeExtra(name: string, value: unknown): void {
		if (forbidden.test(name)) throw new RowProblem(`a row may not set ${JSON.stringify(name)}`);
		if (setByLlmx.has(name))
			throw new RowProblem(`"${name}" is set by llmx itself: take it out of the parameters`);
		this.#extra ??= Object.create(null) as Record<string, unknown>;
		this.#extra[name] = value;
		this.parameters.extra = this.#extra;
	}

	#warnOfSimilar(name: string, value: unknown, otherwise: string): void {
		if (!isGiven(value)) return;
		const similar = findLookalike(name);
		// A lookalike with a value that the parameter cannot have is something else.
		const isMeant = similar !== undefined && (similar !== "responseFormat" || isObject(value));
		const key = isMeant && rowOf(similar).accepts.read(value) !== null ? similar : findMisspelt(name);
		if (key !== undefined) this.#warn(name, `"${name}" is ${otherwise}; did you mean "${rowOf(key).name}"?`);
	}
}

function isGiven(value: unknown): boolean {
	return value !== undefined && value !== null && value !== "";
}
