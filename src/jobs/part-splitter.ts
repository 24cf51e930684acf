import type { ModelJobs } from "./model-jobs.ts";
import type { PartFile, PartWriter, RowName } from "./part-file.ts";

/** A part that is on the disk and waits for room in the provider's queue. */
export interface WaitingPart {
	readonly tag: string;
	readonly part: PartFile;
	/** As estimated. */
	readonly inputTokens: number;
	/** What it may cost at most; null when unknown. */
	readonly usd: number | null;
}

/** What is known of a row beside its line. */
export interface RowFacts {
	/** As estimated. */
	readonly inputTokens: number;
	/** What it may cost at most; null when unknown. */
	readonly usd: number | null;
	/** Absent where rows have no names of their own. */
	readonly name?: RowName;
}

/** How much one part may hold. */
export interface PartLimits {
	readonly rows: number;
	readonly bytes: number;
	readonly inputTokens: number;
}

/** Measures the part that is being filled. */
export class PartGauge {
	readonly #limits: PartLimits;
	rows = 0;
	bytes = 0;
	inputTokens = 0;

	constructor(limits: PartLimits) {
		this.#limits = limits;
	}

	/** Whether another row may join. One that is larger than a part may be is a part of its own. */
	fits(bytes: number, inputTokens: number): boolean {
		if (this.rows === 0) return true;
		const most = this.#limits;
		return (
			this.rows < most.rows &&
			this.bytes + bytes <= most.bytes &&
			this.inputTokens + inputTokens <= most.inputTokens
		);
	}

	add(bytes: number, inputTokens: number): void {
		this.rows += 1;
		this.bytes += bytes;
		this.inputTokens += inputTokens;
	}

	/** Begins the next part. */
	reset(): void {
		this.rows = 0;
		this.bytes = 0;
		this.inputTokens = 0;
	}
}

/** Writes rows into as few parts as the limits allow. */
export class PartSplitter {
	readonly #jobs: ModelJobs;
	readonly #gauge: PartGauge;
	readonly #parts: WaitingPart[] = [];
	#part: PartWriter | undefined;
	#usd: number | null = 0;

	constructor(jobs: ModelJobs, limits: PartLimits) {
		this.#jobs = jobs;
		this.#gauge = new PartGauge(limits);
	}

	/** Adds a row. */
	add(wireId: string, line: string, { inputTokens, usd, name }: RowFacts): void {
		const bytes = Buffer.byteLength(line) + 1;
		if (!this.#gauge.fits(bytes, inputTokens)) this.#close();
		this.#part ??= this.#jobs.newPart();
		this.#part.add(wireId, line, name);
		this.#gauge.add(bytes, inputTokens);
		this.#usd = usd === null || this.#usd === null ? null : this.#usd + usd;
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
		const { inputTokens } = this.#gauge;
		this.#parts.push({ tag: part.tag, part: part.close(), inputTokens, usd: this.#usd });
		this.#part = undefined;
		this.#usd = 0;
		this.#gauge.reset();
	}
}
