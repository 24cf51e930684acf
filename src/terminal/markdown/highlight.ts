/**
 * Code to coloured lines, on CodeMirror's stream parsers: they read a line from a state that says what it continues,
 * so every line is looked at once, however long the comment or string it stands in.
 */

import { c, cpp, csharp, dart, java, kotlin, objectiveC, scala } from "@codemirror/legacy-modes/mode/clike";
import { css, less, sCSS } from "@codemirror/legacy-modes/mode/css";
import { diff } from "@codemirror/legacy-modes/mode/diff";
import { dockerFile } from "@codemirror/legacy-modes/mode/dockerfile";
import { go } from "@codemirror/legacy-modes/mode/go";
import { javascript, json, typescript } from "@codemirror/legacy-modes/mode/javascript";
import { lua } from "@codemirror/legacy-modes/mode/lua";
import { perl } from "@codemirror/legacy-modes/mode/perl";
import { powerShell } from "@codemirror/legacy-modes/mode/powershell";
import { properties } from "@codemirror/legacy-modes/mode/properties";
import { python } from "@codemirror/legacy-modes/mode/python";
import { r } from "@codemirror/legacy-modes/mode/r";
import { ruby } from "@codemirror/legacy-modes/mode/ruby";
import { rust } from "@codemirror/legacy-modes/mode/rust";
import { shell } from "@codemirror/legacy-modes/mode/shell";
import { standardSQL } from "@codemirror/legacy-modes/mode/sql";
import { swift } from "@codemirror/legacy-modes/mode/swift";
import { toml } from "@codemirror/legacy-modes/mode/toml";
import { html, xml } from "@codemirror/legacy-modes/mode/xml";
import { yaml } from "@codemirror/legacy-modes/mode/yaml";
import { type StreamParser, StringStream } from "@codemirror/streamparser";
import type { Colors, Style } from "../colors.ts";
import { Allowance } from "./allowance.ts";

type Parser = StreamParser<unknown>;

/** Parsers by the names that fences use. */
const languages = new Map<string, Parser>();

function register(parser: StreamParser<never>, ...names: readonly string[]): void {
	for (const name of names) languages.set(name, parser as unknown as Parser);
}

register(c as StreamParser<never>, "c", "h");
register(cpp as StreamParser<never>, "cpp", "c++", "cc", "hpp", "arduino");
register(csharp as StreamParser<never>, "csharp", "cs", "c#");
register(dart as StreamParser<never>, "dart");
register(java as StreamParser<never>, "java", "groovy", "php");
register(kotlin as StreamParser<never>, "kotlin", "kt");
register(objectiveC as StreamParser<never>, "objectivec", "objc");
register(scala as StreamParser<never>, "scala");
register(css as StreamParser<never>, "css");
register(less as StreamParser<never>, "less");
register(sCSS as StreamParser<never>, "scss", "sass");
register(diff as StreamParser<never>, "diff", "patch");
register(dockerFile as StreamParser<never>, "dockerfile", "docker");
register(go as StreamParser<never>, "go", "golang");
register(javascript as StreamParser<never>, "javascript", "js", "jsx", "mjs", "cjs", "node");
register(json as StreamParser<never>, "json", "jsonc", "json5", "jsonl");
register(typescript as StreamParser<never>, "typescript", "ts", "tsx");
register(lua as StreamParser<never>, "lua");
register(perl as StreamParser<never>, "perl", "pl");
register(powerShell as StreamParser<never>, "powershell", "ps1", "pwsh");
register(properties as StreamParser<never>, "ini", "conf", "properties", "env");
register(python as StreamParser<never>, "python", "py", "python3");
register(r as StreamParser<never>, "r");
register(ruby as StreamParser<never>, "ruby", "rb");
register(rust as StreamParser<never>, "rust", "rs");
register(shell as StreamParser<never>, "bash", "sh", "shell", "zsh", "console", "makefile", "make");
register(standardSQL as StreamParser<never>, "sql", "postgresql", "mysql", "sqlite");
register(swift as StreamParser<never>, "swift");
register(toml as StreamParser<never>, "toml");
register(html as StreamParser<never>, "html", "vue", "svelte");
register(xml as StreamParser<never>, "xml", "svg");
register(yaml as StreamParser<never>, "yaml", "yml");

/** Longer lines (minified code, data) are not worth the time. */
const lineLimit = 2_000;
/** Longer lines are coloured when they are complete: to do it again for every piece would take too long. */
const peekLimit = 240;
/** What a line takes besides its tokens, in tokens. */
const tokensOfLine = 2;
const tabSize = 4;
const indentUnit = 2;
/** A parser that has not moved after so many calls is moved on by hand. */
const patience = 8;

/** The style of a token, whose tag is that of a CodeMirror theme: `keyword`, `string.special`, `variableName.standard`. */
function styleOf(tag: string, colors: Colors): Style | undefined {
	switch (tag.split(/[ .]/, 1)[0]) {
		case "keyword":
		case "macroName":
			return colors.magenta;
		case "string":
		case "regexp":
		case "inserted":
			return colors.green;
		case "number":
		case "atom":
		case "builtin":
		case "type":
		case "typeName":
		case "attribute":
		case "attributeName":
		case "property":
		case "propertyName":
			return colors.cyan;
		case "comment":
		case "meta":
		case "processingInstruction":
			return colors.dim;
		case "deleted":
			return colors.red;
		case "header":
		case "heading":
		case "tag":
		case "tagName":
		case "def":
			return colors.bold;
		default:
			return undefined;
	}
}

/** Ordinary code has one token in three characters, spaces included. */
const tokensPerCharacter = 0.4;

/** For the code of a whole document. */
export const codeAllowance = () => new Allowance(tokensPerCharacter);

/** Colours code line by line as it arrives. */
export class CodeHighlighter {
	readonly #colors: Colors;
	readonly #allowance: Allowance;
	#parser: Parser | undefined;
	#state: unknown;
	#isEmpty = true;
	/** How many were looked at in the last line. */
	#tokens = 0;

	/** Takes the fence's info string; an unknown language leaves the code as it is, and so does a spent allowance. */
	constructor(info: string, colors: Colors, allowance: Allowance) {
		this.#colors = colors;
		this.#allowance = allowance;
		const name = info.trim().split(/[\s{,:]/, 1)[0] ?? "";
		this.#parser = colors.enabled ? languages.get(name.toLowerCase()) : undefined;
		this.#state = this.#parser?.startState?.(indentUnit) ?? {};
	}

	/** No line of it came. */
	get isEmpty(): boolean {
		return this.#isEmpty;
	}

	/** Takes the next complete line, without its newline, and returns it coloured. */
	push(line: string): string {
		this.#isEmpty = false;
		this.#allowance.earn(line.length);
		// What comes behind a line that was not read cannot be coloured either.
		if (this.#allowance.isSpent) this.#parser = undefined;
		if (this.#parser === undefined) return line;
		this.#tokens = tokensOfLine;
		const coloured = this.#highlight(line, this.#state);
		this.#allowance.spend(this.#tokens);
		return coloured;
	}

	/** The coloured form of an unfinished line, which stays unfinished. */
	peek(line: string): string {
		if (this.#parser === undefined || line.length > peekLimit) return line;
		const copy = this.#parser.copyState?.(this.#state) ?? copyState(this.#state as Record<string, unknown>);
		return this.#highlight(line, copy);
	}

	#highlight(line: string, state: unknown): string {
		const parser = this.#parser;
		if (parser === undefined || line.length > lineLimit) return line;
		try {
			forgetLastToken(parser);
			if (line === "") parser.blankLine?.(state, indentUnit);
			return this.#read(parser, line, state);
		} catch {
			// A parser that stumbles over its input costs the colours, not the text.
			this.#parser = undefined;
			return line;
		}
	}

	#read(parser: Parser, line: string, state: unknown): string {
		const stream = new StringStream(line, tabSize, indentUnit);
		let output = "";
		let idle = 0;
		while (!stream.eol()) {
			const tag = parser.token(stream, state);
			this.#tokens += 1;
			if (stream.pos === stream.start) {
				idle += 1;
				if (idle > patience) stream.pos += 1;
				else continue;
			}
			idle = 0;
			const text = stream.current();
			// Some parsers return undefined for plain text.
			output += (tag ? styleOf(tag, this.#colors) : undefined)?.(text) ?? text;
			stream.start = stream.pos;
		}
		return output;
	}
}

/**
 * Parsers keep the last token's kind in variables of their module and take it for that of a character they do not know.
 * Every line begins after the same token, so that its colours do not depend on what was parsed before, by whomever.
 */
function forgetLastToken(parser: Parser): void {
	parser.token(new StringStream(";", tabSize, indentUnit), parser.startState?.(indentUnit) ?? {});
}

/** As a parser without a way of its own has it copied: one level deep, lists too. */
function copyState(state: Readonly<Record<string, unknown>>): unknown {
	return Object.fromEntries(
		Object.entries(state).map(([name, value]) => [name, Array.isArray(value) ? [...value] : value]),
	);
}
