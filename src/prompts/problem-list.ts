import { UsageError } from "../errors.ts";

/** Something in a prompts file that has to be fixed before anything is sent. */
export interface Problem {
	readonly line: number;
	readonly text: string;
}

/** Problems that say the same of several lines. */
interface Kind {
	readonly shown: Problem[];
	/** All of them have the text of the first one. */
	isOneText: boolean;
	lastLine: number;
	count: number;
}

const kindsShown = 20;
/** Of one kind that differs in its names and numbers. */
const examplesShown = 3;

/** Collects the problems of a file: each kind once with a count, whatever names and numbers differ in it. */
export class ProblemList {
	readonly #name: string;
	readonly #kinds = new Map<string, Kind>();
	#hiddenKinds = 0;
	#count = 0;

	constructor(name: string) {
		this.#name = name;
	}

	get count(): number {
		return this.#count;
	}

	/** `prompts.jsonl:17: the prompt is empty`, in the order of the file. */
	get lines(): readonly string[] {
		const lines: string[] = [];
		const kinds = [...this.#kinds.values()].toSorted(
			({ shown: [one] }, { shown: [other] }) => (one?.line ?? 0) - (other?.line ?? 0),
		);
		for (const { shown, isOneText, lastLine, count } of kinds) {
			const [first] = shown;
			if (first === undefined) continue;
			const listed = isOneText ? [first] : shown;
			for (const { line, text } of listed) lines.push(`${this.#name}:${line}: ${text}`);
			const more = count - listed.length;
			if (more > 0)
				lines.push(`  the same in ${more} more ${more === 1 ? "line" : "lines"}, the last is ${lastLine}`);
		}
		if (this.#hiddenKinds > 0) lines.push(`and ${this.#hiddenKinds} others`);
		return lines;
	}

	add(problem: Problem): void {
		this.#count += 1;
		const key = problem.text.replace(/"(?:[^"\\]|\\.)*"|\d+/g, "#");
		const kind = this.#kinds.get(key);
		if (kind === undefined) {
			if (this.#kinds.size >= kindsShown) this.#hiddenKinds += 1;
			else this.#kinds.set(key, { shown: [problem], isOneText: true, lastLine: problem.line, count: 1 });
			return;
		}
		kind.count += 1;
		kind.lastLine = Math.max(kind.lastLine, problem.line);
		kind.isOneText &&= problem.text === kind.shown[0]?.text;
		if (kind.shown.length < examplesShown) kind.shown.push(problem);
	}

	/** @throws UsageError when there is any problem; `consequence` says what was not done because of it */
	throwIfAny(consequence = "nothing was sent"): void {
		const [first] = this.lines;
		if (first === undefined) return;
		if (this.#count === 1) throw new UsageError(first, { hint: consequence });
		throw new UsageError(`${this.#count} problems in ${this.#name}, ${consequence}`, {
			hint: this.lines.join("\n"),
		});
	}
}
