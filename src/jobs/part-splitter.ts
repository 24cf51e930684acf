import type { ModelJobs } from "./model-jobs.ts";
import type { PartFile, PartWriter } from "./part-file.ts";

/** A part that is on the disk and waits for room in the provider's queue. */
export interface WaitingPart {
	readonly tag: string;
	readonly part: PartFile;
	/** As estimated. */
	readonly inputTokens: number;
}

/** How much one part may hold. */
export interface PartLimits {
	readonly rows: number;
	readonly bytes: number;
	readonly inputTokens: number;
}

/** Writes rows into as few parts as the limits allow. */
export class PartSplitter {
	readonly #jobs: ModelJobs;
	readonly #limits: PartLimits;
	readonly #parts: WaitingPart[] = [];
	#part: PartWriter | undefined;
	#inputTokens = 0;

	constructor(jobs: ModelJobs, limits: PartLimits) {
		this.#jobs = jobs;
		this.#limits = limits;
	}

	/** Adds a row with its estimated tokens. One that is larger than a part may be gets a part of its own. */
	add(wireId: string, line: string, inputTokens: number): void {
		const bytes = Buffer.byteLength(line) + 1;
		const { rows, bytes: mostBytes, inputTokens: mostTokens } = this.#limits;
		const part = this.#part;
		const isFull =
			part !== undefined &&
			(part.rows >= rows || part.bytes + bytes > mostBytes || this.#inputTokens + inputTokens > mostTokens);
		if (isFull) this.#close();
		this.#part ??= this.#jobs.newPart();
		this.#part.add(wireId, line);
		this.#inputTokens += inputTokens;
	}

	/** All parts; nothing may be added after it. */
	end(): readonly WaitingPart[] {
		this.#close();
		return this.#parts;
	}

	/** Takes everything off the disk again. */
	discard(): void {
		this.#part?.discard();
		for (const { tag } of this.#parts) this.#jobs.discard(tag);
	}

	#close(): void {
		const part = this.#part;
		if (part === undefined) return;
		this.#parts.push({ tag: part.tag, part: part.close(), inputTokens: this.#inputTokens });
		this.#part = undefined;
		this.#inputTokens = 0;
	}
}
