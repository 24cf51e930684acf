import { canonicalJson } from "../cache/key.ts";

/** How an answer is compared with what is expected of it. */
export type MatchKind = "equals" | "contains" | "regex" | "json";

export const matchKinds: readonly MatchKind[] = ["equals", "contains", "regex", "json"];

/** Compares answers with what rows expect of them. */
export class Expectation {
	readonly #kind: MatchKind;
	/** The last one: rows often share theirs. */
	#pattern: { readonly source: string; readonly compiled: RegExp } | undefined;

	constructor(kind: MatchKind) {
		this.#kind = kind;
	}

	/** What is wrong with an expectation, so that it is known before anything is sent; undefined when nothing is. */
	problemOf(expected: unknown): string | undefined {
		if (expected === undefined) return undefined;
		try {
			if (this.#kind === "regex") this.#compile(textOf(expected));
			if (this.#kind === "json") jsonOf(expected);
			return undefined;
		} catch (error) {
			const what = this.#kind === "regex" ? "is not a regular expression" : "is not JSON";
			return `the expected answer ${what} (${(error as Error).message})`;
		}
	}

	/** True when every one of the answers is as expected; undefined when nothing is expected. */
	judge(expected: unknown, answers: readonly string[]): boolean | undefined {
		if (expected === undefined) return undefined;
		return answers.length > 0 && answers.every((answer) => this.#matches(expected, answer));
	}

	#matches(expected: unknown, answer: string): boolean {
		switch (this.#kind) {
			case "equals":
				return tidy(answer) === tidy(textOf(expected));
			case "contains":
				return tidy(answer).includes(tidy(textOf(expected)));
			case "regex":
				return this.#compile(textOf(expected)).test(answer);
			case "json":
				return isSameJson(expected, answer);
		}
	}

	#compile(source: string): RegExp {
		if (this.#pattern?.source !== source) this.#pattern = { source, compiled: new RegExp(source) };
		return this.#pattern.compiled;
	}
}

/** Blanks around a text and the kind of its line ends say nothing. */
function tidy(text: string): string {
	return text.replaceAll("\r\n", "\n").trim();
}

function textOf(expected: unknown): string {
	return typeof expected === "string" ? expected : JSON.stringify(expected);
}

/** A cell of a table is JSON as text; a field of JSON is what it is. */
function jsonOf(expected: unknown): unknown {
	return JSON.parse(textOf(expected));
}

const fenced = /^```\w*\s*\n([\s\S]*?)\n?```$/;

function isSameJson(expected: unknown, answer: string): boolean {
	const text = answer.trim();
	try {
		const value: unknown = JSON.parse(fenced.exec(text)?.[1] ?? text);
		return canonicalJson(value) === canonicalJson(jsonOf(expected));
	} catch {
		return false;
	}
}
