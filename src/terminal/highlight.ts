/** Code to coloured lines, on highlight.js with the languages that answers are written in. */

import hljs from "highlight.js/lib/core";
import bash from "highlight.js/lib/languages/bash";
import c from "highlight.js/lib/languages/c";
import cpp from "highlight.js/lib/languages/cpp";
import csharp from "highlight.js/lib/languages/csharp";
import css from "highlight.js/lib/languages/css";
import diff from "highlight.js/lib/languages/diff";
import dockerfile from "highlight.js/lib/languages/dockerfile";
import go from "highlight.js/lib/languages/go";
import ini from "highlight.js/lib/languages/ini";
import java from "highlight.js/lib/languages/java";
import javascript from "highlight.js/lib/languages/javascript";
import json from "highlight.js/lib/languages/json";
import kotlin from "highlight.js/lib/languages/kotlin";
import lua from "highlight.js/lib/languages/lua";
import makefile from "highlight.js/lib/languages/makefile";
import php from "highlight.js/lib/languages/php";
import python from "highlight.js/lib/languages/python";
import ruby from "highlight.js/lib/languages/ruby";
import rust from "highlight.js/lib/languages/rust";
import sql from "highlight.js/lib/languages/sql";
import swift from "highlight.js/lib/languages/swift";
import typescript from "highlight.js/lib/languages/typescript";
import xml from "highlight.js/lib/languages/xml";
import yaml from "highlight.js/lib/languages/yaml";
import type { Colors, Style } from "./colors.ts";

const languages = {
	...{ bash, c, cpp, csharp, css, diff, dockerfile, go, ini, java, javascript, json, kotlin, lua, makefile },
	...{ php, python, ruby, rust, sql, swift, typescript, xml, yaml },
};
type Language = keyof typeof languages;

const aliases: Readonly<Record<string, Language>> = {
	...{ sh: "bash", shell: "bash", zsh: "bash", console: "bash", h: "c", "c++": "cpp", hpp: "cpp", cc: "cpp" },
	...{
		"c#": "csharp",
		cs: "csharp",
		scss: "css",
		less: "css",
		patch: "diff",
		docker: "dockerfile",
		golang: "go",
	},
	...{ toml: "ini", conf: "ini", js: "javascript", jsx: "javascript", mjs: "javascript", cjs: "javascript" },
	...{ node: "javascript", jsonc: "json", json5: "json", jsonl: "json", kt: "kotlin", make: "makefile" },
	...{
		py: "python",
		python3: "python",
		rb: "ruby",
		rs: "rust",
		postgresql: "sql",
		mysql: "sql",
		sqlite: "sql",
	},
	...{ ts: "typescript", tsx: "typescript", html: "xml", svg: "xml", vue: "xml", yml: "yaml" },
};

/** A line may look back at most this far (characters) to know what it is part of. */
const contextLimit = 8_192;
/** Longer lines (minified code, data) are not worth the time. */
const lineLimit = 2_000;

/** The language that a fence names, under whichever of its names. */
function languageNamed(name: string): Language | undefined {
	const lower = name.toLowerCase();
	if (Object.hasOwn(languages, lower)) return lower as Language;
	return Object.hasOwn(aliases, lower) ? aliases[lower] : undefined;
}

/**
 * What to show above a block of code, given the fence's info string: nothing for a known language, and otherwise all
 * of it, because text must not hide there.
 */
export function fenceLabel(info: string): string {
	return languageNamed(info.trim()) === undefined ? info.trim() : "";
}

function findLanguage(info: string): Language | undefined {
	const language = languageNamed(info.trim().split(/[\s{,]/)[0] ?? "");
	if (language !== undefined && hljs.getLanguage(language) === undefined) {
		hljs.registerLanguage(language, languages[language]);
	}
	return language;
}

function scopeStyle(scope: string, colors: Colors): Style | undefined {
	switch (scope) {
		case "keyword":
		case "selector-tag":
		case "doctag":
			return colors.magenta;
		case "string":
		case "regexp":
		case "addition":
			return colors.green;
		case "number":
		case "literal":
		case "symbol":
		case "built_in":
		case "type":
		case "attr":
		case "attribute":
		case "selector-class":
		case "selector-id":
			return colors.cyan;
		case "comment":
		case "quote":
		case "meta":
			return colors.dim;
		case "deletion":
			return colors.red;
		case "title":
		case "section":
		case "name":
			return colors.bold;
		default:
			return undefined;
	}
}

const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', "#x27": "'" };
const markup = /<span class="([^"]*)">|<\/span>|&(amp|lt|gt|quot|#x27);|\n|[^<&\n]+/g;

interface HighlightedLine {
	readonly text: string;
	/** No string, comment or other scope goes on behind this line. */
	readonly closed: boolean;
}

/** highlight.js answers in HTML; styles are closed at each line's end so that a line stands for itself. */
function toLines(html: string, colors: Colors): HighlightedLine[] {
	const lines: HighlightedLine[] = [];
	const scopes: (Style | undefined)[] = [];
	let line = "";
	for (const [piece, scope, entity] of html.matchAll(markup)) {
		if (scope !== undefined) {
			const name = scope.split(" ")[0] ?? "";
			scopes.push(scopeStyle(name.replace(/^hljs-/, ""), colors) ?? scopes.at(-1));
		} else if (piece === "</span>") scopes.pop();
		else if (piece === "\n") {
			lines.push({ text: line, closed: scopes.length === 0 });
			line = "";
		} else {
			const text = entity === undefined ? piece : (entities[entity] ?? piece);
			line += scopes.at(-1)?.(text) ?? text;
		}
	}
	return lines;
}

/** Colours code line by line as it arrives; what a line continues (a comment, a string) is remembered. */
export class CodeHighlighter {
	readonly #language: Language | undefined;
	readonly #colors: Colors;
	#context = "";

	/** Takes the fence's info string; an unknown language leaves the code as it is. */
	constructor(info: string, colors: Colors) {
		this.#language = colors.enabled ? findLanguage(info) : undefined;
		this.#colors = colors;
	}

	/** Takes the next complete line, without its newline, and returns it coloured. */
	push(line: string): string {
		const highlighted = this.#highlight(line);
		if (highlighted === undefined) return line;
		const context = `${this.#context}${line}\n`;
		this.#context = highlighted.closed || context.length > contextLimit ? "" : context;
		return highlighted.text;
	}

	/** The coloured form of an unfinished line, which stays unfinished. */
	peek(line: string): string {
		return this.#highlight(line)?.text ?? line;
	}

	#highlight(line: string): HighlightedLine | undefined {
		if (this.#language === undefined || line.length > lineLimit) return undefined;
		const { value } = hljs.highlight(`${this.#context}${line}\n`, {
			language: this.#language,
			ignoreIllegals: true,
		});
		return toLines(value, this.#colors).at(-1);
	}
}
