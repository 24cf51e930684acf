const open = "<think>";
const close = "</think>";

export interface SplitText {
	readonly text: string;
	readonly reasoning: string;
}

/**
 * Takes a leading `<think>…</think>` block off an answer, delta by delta, for servers that leave it in the text.
 * Only at the very start: the same words later are the answer's own. Tags may be split over any deltas.
 */
export class ThinkSplitter {
	#state: "start" | "thinking" | "after" | "text" = "start";
	/** Text that cannot be told yet: the start of a tag, or blank space around a block. */
	#held = "";

	push(delta: string): SplitText {
		if (this.#state === "text") return { text: delta, reasoning: "" };
		const input = this.#held + delta;
		this.#held = "";
		if (this.#state === "start") return this.#begin(input);
		if (this.#state === "thinking") return this.#think(input);
		return this.#skipBlank(input);
	}

	/** What is still held when the answer ends. */
	end(): SplitText {
		const held = this.#held;
		this.#held = "";
		if (this.#state === "thinking") return { text: "", reasoning: held };
		return { text: this.#state === "after" ? "" : held, reasoning: "" };
	}

	#begin(input: string): SplitText {
		const start = input.trimStart();
		if (start.length < open.length && open.startsWith(start)) {
			this.#held = input;
			return { text: "", reasoning: "" };
		}
		if (!start.startsWith(open)) {
			this.#state = "text";
			return { text: input, reasoning: "" };
		}
		this.#state = "thinking";
		return this.#think(start.slice(open.length));
	}

	#think(input: string): SplitText {
		const end = input.indexOf(close);
		if (end !== -1) {
			this.#state = "after";
			const { text } = this.#skipBlank(input.slice(end + close.length));
			return { text, reasoning: input.slice(0, end) };
		}
		let keep = Math.min(close.length - 1, input.length);
		while (keep > 0 && !close.startsWith(input.slice(-keep))) keep--;
		this.#held = input.slice(input.length - keep);
		return { text: "", reasoning: input.slice(0, input.length - keep) };
	}

	#skipBlank(input: string): SplitText {
		const text = input.trimStart();
		if (text !== "") this.#state = "text";
		return { text, reasoning: "" };
	}
}

/**
 * The same for a whole answer. Where a model's chat template holds the opening tag, the answer begins with its thoughts,
 * and only the closing tag comes (https://github.com/deepseek-ai/DeepSeek-R1/issues/352).
 */
export function splitThinking(whole: string): SplitText {
	const end = unopenedEnd(whole);
	if (end !== undefined)
		return { reasoning: whole.slice(0, end).trim(), text: whole.slice(end + close.length).trimStart() };
	if (!whole.trimStart().startsWith(open)) return { text: whole, reasoning: "" };
	const splitter = new ThinkSplitter();
	const first = splitter.push(whole);
	const rest = splitter.end();
	return { text: first.text + rest.text, reasoning: first.reasoning + rest.reasoning };
}

/** Where thoughts end that no tag has begun; undefined where there are none. A tag that is quoted is spoken of. */
function unopenedEnd(whole: string): number | undefined {
	const end = whole.indexOf(close);
	if (end === -1) return undefined;
	const before = whole.slice(0, end);
	const isQuoted = /["'`]$/.test(before) || before.split("```").length % 2 === 0;
	return before.includes(open) || isQuoted ? undefined : end;
}
