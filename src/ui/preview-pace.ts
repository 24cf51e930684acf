import type { MarkdownStream } from "../terminal/markdown/markdown.ts";

/** Previews take one part in so many of the time at most. */
const share = 9;

/** Lets the unfinished end of an answer be rendered as often as it is cheap: it is rendered anew every time. */
export class PreviewPace {
	/** Monotonic, in ms. */
	#next = 0;

	/** Undefined when it was rendered too lately for what that takes. */
	render(markdown: MarkdownStream): string | undefined {
		const startedAt = performance.now();
		if (startedAt < this.#next) return undefined;
		const text = markdown.preview();
		this.#next = startedAt + share * (performance.now() - startedAt);
		return text;
	}
}
