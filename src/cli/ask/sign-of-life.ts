import type { StreamPart } from "../../index.ts";
import { formatCount } from "../../terminal/formats.ts";
import type { Io } from "../io.ts";
import { colorsFor } from "./answer-writer.ts";

/** How often it is drawn, in ms. */
const drawEvery = 120;
/** Nothing is shown for an answer that comes sooner than this, in ms. */
const showAfter = 250;
const spinner = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏";

interface Wait {
	what: "waiting" | "thinking" | "answering" | "done" | "failed";
	/** Characters that came. */
	characters: number;
	readonly name: string;
}

/**
 * Lines on stderr of a terminal that say that something goes on while nothing of the answer is to be seen; erased when
 * that begins. One line for each model.
 */
export class SignOfLife {
	readonly #io: Io;
	readonly #waits: Wait[];
	readonly #since = performance.now();
	#timer: NodeJS.Timeout | undefined;
	#region: Promise<import("../live-region.ts").LiveRegion> | undefined;
	#drawn: import("../live-region.ts").LiveRegion | undefined;
	#frame = 0;

	constructor(io: Io, names: readonly string[], isWanted: boolean) {
		this.#io = io;
		this.#waits = names.map((name) => ({ name, what: "waiting", characters: 0 }));
		// A transcript of a test is not a terminal that somebody watches.
		const isScreen = io.terminal !== undefined && io.stderr.isTTY && io.env.TERM !== "dumb";
		if (!isWanted || !isScreen) return;
		this.#timer = setInterval(() => void this.#draw(), drawEvery);
		this.#timer.unref();
	}

	/** Something came of the answer of one model. */
	note(index: number, part: StreamPart): void {
		const wait = this.#waits[index];
		if (wait === undefined || part.type === "finish") return;
		wait.what = part.type === "reasoning-delta" ? "thinking" : "answering";
		wait.characters += part.text.length;
	}

	/** The answer of one model is there, or will not come. */
	end(index: number, isAnswered: boolean): void {
		const wait = this.#waits[index];
		if (wait !== undefined) wait.what = isAnswered ? "done" : "failed";
	}

	/** Takes the lines away; there are none any more. */
	stop(): void {
		clearInterval(this.#timer);
		this.#timer = undefined;
		this.#drawn?.clear();
		this.#drawn = undefined;
	}

	async #draw(): Promise<void> {
		const elapsed = performance.now() - this.#since;
		if (elapsed < showAfter) return;
		this.#region ??= import("../live-region.ts").then(({ LiveRegion }) => new LiveRegion(this.#io.stderr));
		const region = await this.#region;
		if (this.#timer === undefined) return;
		this.#drawn = region;
		this.#frame += 1;
		const { dim } = colorsFor(this.#io, "stderr");
		const seconds = Math.floor(elapsed / 1000);
		const lines = this.#waits.map((wait) => dim(this.#line(wait, seconds)));
		region.draw(lines);
	}

	#line({ what, characters, name }: Wait, seconds: number): string {
		const sign = what === "done" ? "✓" : what === "failed" ? "✗" : spinner[this.#frame % spinner.length];
		const tokens = Math.round(characters / 4);
		const isOver = what === "done" || what === "failed";
		const parts = [
			...(this.#waits.length > 1 ? [name] : []),
			what,
			...(isOver || seconds < 1 ? [] : [`${seconds} s`]),
			...(tokens > 0 ? [`≈ ${formatCount(tokens)} tokens`] : []),
			...(isOver || this.#waits.length > 1
				? []
				: [tokens > 0 ? "Ctrl-C keeps the partial answer" : "Ctrl-C stops"]),
		];
		return `${sign} ${parts.join(" · ")}`;
	}
}
