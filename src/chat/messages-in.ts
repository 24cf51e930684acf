/** Lines to messages: one line a message, more with `"""` or a trailing backslash. */

const block = '"""';

/** Collects lines until a message is complete; the screen and the line mode use the same rules. */
export class MessageReader {
	#lines: string[] = [];
	#isBlock = false;

	/** A message has begun and is not complete. */
	get isOpen(): boolean {
		return this.#lines.length > 0 || this.#isBlock;
	}

	/** Takes a line without its newline; returns the message when it is complete. */
	push(line: string): string | undefined {
		if (this.#isBlock) {
			if (!line.trimEnd().endsWith(block)) {
				this.#lines.push(line);
				return undefined;
			}
			const last = line.trimEnd().slice(0, -block.length);
			if (last !== "") this.#lines.push(last);
			return this.end();
		}
		if (this.#lines.length === 0 && line.startsWith(block)) {
			const rest = line.slice(block.length);
			const closed = rest.trimEnd();
			if (closed.endsWith(block)) return closed.slice(0, -block.length);
			this.#isBlock = true;
			if (rest !== "") this.#lines.push(rest);
			return undefined;
		}
		if (line.endsWith("\\")) {
			this.#lines.push(line.slice(0, -1));
			return undefined;
		}
		this.#lines.push(line);
		return this.end();
	}

	/** What there is of a message at the end of the input; undefined when there is nothing. */
	end(): string | undefined {
		if (!this.isOpen) return undefined;
		const text = this.#lines.join("\n");
		this.#lines = [];
		this.#isBlock = false;
		return text;
	}
}

/**
 * The message that a whole text makes when Enter is pressed behind it; undefined when Enter adds a line instead:
 * inside `"""`.
 */
export function completeMessage(text: string): string | undefined {
	if (!text.startsWith(block)) return text;
	const inner = text.trimEnd().slice(block.length);
	return inner.endsWith(block) ? inner.slice(0, -block.length).replace(/^\n|\n$/g, "") : undefined;
}
