/** What a line of YAML holds, without its indentation. */
interface YamlLine {
	readonly indent: number;
	readonly text: string;
}

/**
 * Reads the YAML that the project's manifests are written in: maps, lists, plain and double-quoted values, lists in
 * brackets, blocks of text (`|`), comments. Anchors, tags and several documents are not known.
 */
export function parseYaml(source: string): unknown {
	const lines = source.split("\n").map((line) => ({ indent: line.search(/\S|$/), text: line.trim() }));
	const reader = new YamlReader(lines, source.split("\n"));
	return reader.value(0);
}

class YamlReader {
	readonly #lines: YamlLine[];
	readonly #raw: readonly string[];
	#at = 0;

	constructor(lines: YamlLine[], raw: readonly string[]) {
		this.#lines = lines;
		this.#raw = raw;
	}

	value(indent: number): unknown {
		const line = this.#peek();
		if (line === undefined || line.indent < indent) return null;
		return line.text.startsWith("- ") ? this.#list(line.indent) : this.#map(line.indent);
	}

	#list(indent: number): unknown[] {
		const items: unknown[] = [];
		for (
			let line = this.#peek();
			line?.indent === indent && line.text.startsWith("- ");
			line = this.#peek()
		) {
			const text = line.text.slice(2).trim();
			if (text === "|") {
				this.#at += 1;
				items.push(this.#block(indent));
			} else if (/^[\w-]+:(?:\s|$)/.test(text)) {
				// A map that begins behind the dash.
				this.#lines[this.#at] = { indent: indent + 2, text };
				items.push(this.#map(indent + 2));
			} else {
				this.#at += 1;
				items.push(scalar(text));
			}
		}
		return items;
	}

	#map(indent: number): Record<string, unknown> {
		const map: Record<string, unknown> = {};
		for (let line = this.#peek(); line?.indent === indent; line = this.#peek()) {
			const [, key, rest] = /^([\w-]+):\s*(.*)$/.exec(line.text) ?? [];
			if (key === undefined) throw new Error(`line ${this.#at + 1} is not "key: value": ${line.text}`);
			this.#at += 1;
			map[key] =
				rest === "" ? this.value(indent + 1) : rest === "|" ? this.#block(indent) : scalar(rest as string);
		}
		return map;
	}

	#block(indent: number): string {
		const block: string[] = [];
		const own = this.#lines[this.#at]?.indent ?? 0;
		for (; this.#at < this.#lines.length; this.#at++) {
			const { indent: here, text } = this.#lines[this.#at] as YamlLine;
			if (text !== "" && here <= indent) break;
			block.push((this.#raw[this.#at] as string).slice(own));
		}
		return `${block.join("\n").trimEnd()}\n`;
	}

	#peek(): YamlLine | undefined {
		while (this.#lines[this.#at] && /^(?:#|$)/.test(this.#lines[this.#at]?.text ?? "")) this.#at += 1;
		return this.#lines[this.#at];
	}
}

function scalar(text: string): unknown {
	if (/^(?:\[|")/.test(text)) return JSON.parse(text);
	return /^-?\d+$/.test(text) ? Number(text) : text;
}
