import { PackedColumn } from "../prompts/columns.ts";
import { LaneHash } from "../prompts/hash.ts";

const named = 1;
const wanted = 2;
const done = 4;
const failed = 8;
const restored = 16;

/** Where a journal's records are and which request each answers, for one of the two files of a run. */
class Records {
	readonly offsets = PackedColumn.ofNumbers();
	#high = PackedColumn.ofWords();
	#low = PackedColumn.ofWords();

	note(entry: number, hash: string, offset: number): void {
		// 0 means that there is no record.
		this.offsets.set(entry, offset + 1);
		this.#high.set(entry, Number.parseInt(hash.slice(0, 8), 16));
		this.#low.set(entry, Number.parseInt(hash.slice(8, 16), 16));
	}

	answers(entry: number, hash: string): boolean {
		return (
			this.offsets.get(entry) !== 0 &&
			this.#high.get(entry) === Number.parseInt(hash.slice(0, 8), 16) &&
			this.#low.get(entry) === Number.parseInt(hash.slice(8, 16), 16)
		);
	}

	/** The hashes are of no use once every input row has been looked up. */
	forgetHashes(): void {
		this.#high = PackedColumn.ofWords();
		this.#low = PackedColumn.ofWords();
	}
}

export type RowState = "missing" | "done" | "failed";

/**
 * What is known of every (id, model) of a run, in about 30 bytes each: no text is kept. Journal records are noted
 * first, then the input claims its rows in order; a row's place in that order is its `position`. Ids are compared by
 * a seeded 64-bit hash, so `claim` may see a duplicate that is none: the caller looks at the texts and, should they
 * differ, starts again with another seed.
 */
export class RowIndex {
	readonly #hash: LaneHash;
	readonly #high = PackedColumn.ofWords();
	readonly #low = PackedColumn.ofWords();
	readonly #flags = PackedColumn.ofBytes();
	readonly #results = new Records();
	readonly #failures = new Records();
	/** Position -> entry. */
	readonly #order = PackedColumn.ofWords();
	#slots = new Uint32Array(1024);
	#entries = 0;
	#slot = 0;
	#positions = 0;

	readonly #primary: string;

	/** `primary` is the model of most rows. */
	constructor(seed: number, primary: string) {
		this.#hash = new LaneHash(seed);
		this.#primary = primary;
	}

	/** How many (id, model) the input has claimed. */
	get size(): number {
		return this.#positions;
	}

	noteResult(id: string, model: string, hash: string, offset: number): void {
		this.#results.note(this.#entry(id, model), hash, offset);
	}

	noteFailure(id: string, model: string, hash: string, offset: number): void {
		this.#failures.note(this.#entry(id, model), hash, offset);
	}

	/** Offset of the result that was noted for an (id, model). */
	findResult(id: string, model: string): number | undefined {
		const entry = this.#find(id, model);
		const offset = entry === undefined ? 0 : this.#results.offsets.get(entry);
		return offset === 0 ? undefined : offset - 1;
	}

	/** Offset of the failure that was noted for an (id, model). */
	findFailure(id: string, model: string): number | undefined {
		const entry = this.#find(id, model);
		const offset = entry === undefined ? 0 : this.#failures.offsets.get(entry);
		return offset === 0 ? undefined : offset - 1;
	}

	/** True when the result at an offset is the one that answers a row of the input. */
	isAnsweredAt(id: string, model: string, offset: number): boolean {
		const entry = this.#find(id, model);
		if (entry === undefined || !(this.#flags.get(entry) & done)) return false;
		return this.#results.offsets.get(entry) === offset + 1;
	}

	/** True for the id of a row of the input. */
	isNamed(id: string): boolean {
		return this.#has(id, this.#primary, named);
	}

	/** True when a row of the input goes to the model. */
	isClaimed(id: string, model: string): boolean {
		return this.#has(id, model, wanted);
	}

	/** Makes an id known as one of the input's; false when it (or one of the same hash) was known before. */
	claimId(id: string): boolean {
		// The entry that most rows claim next, so that an id costs no memory of its own.
		const entry = this.#entry(id, this.#primary);
		const flags = this.#flags.get(entry);
		this.#flags.set(entry, flags | named);
		return (flags & named) === 0;
	}

	/** Takes the next position for a row with one model. */
	claim(id: string, model: string): number {
		const entry = this.#entry(id, model);
		this.#flags.set(entry, this.#flags.get(entry) | wanted);
		this.#order.set(this.#positions, entry);
		this.#positions += 1;
		return this.#positions - 1;
	}

	/** True when a record of either file is there for the row, so that its hash is worth computing. */
	hasRecord(position: number): boolean {
		const entry = this.#order.get(position);
		return this.#results.offsets.get(entry) !== 0 || this.#failures.offsets.get(entry) !== 0;
	}

	/** Decides from the request's hash whether the row is done, has failed, or is missing (also: was edited). */
	settle(position: number, hash: string): RowState {
		const entry = this.#order.get(position);
		const state = this.#results.answers(entry, hash)
			? "done"
			: this.#failures.answers(entry, hash)
				? "failed"
				: "missing";
		if (state !== "missing") this.#mark(entry, state === "done" ? done : failed);
		return state;
	}

	/** To be called when every row has been settled. */
	forgetHashes(): void {
		this.#results.forgetHashes();
		this.#failures.forgetHashes();
	}

	state(position: number): RowState {
		const flags = this.#flags.get(this.#order.get(position));
		return flags & (done | restored) ? "done" : flags & failed ? "failed" : "missing";
	}

	/** True when the row at the position is the one it was when it was claimed. */
	matches(position: number, id: string, model: string): boolean {
		const entry = this.#order.get(position);
		this.#hash.update(id, model);
		return (
			position < this.#positions &&
			this.#high.get(entry) === this.#hash.high &&
			this.#low.get(entry) === this.#hash.low
		);
	}

	/** The answer of a row is at hand elsewhere, and will be among the results before anything is sent. */
	setRestored(position: number): void {
		const entry = this.#order.get(position);
		this.#flags.set(entry, this.#flags.get(entry) | restored);
	}

	/** A failed row is to be sent again. */
	reopen(position: number): void {
		const entry = this.#order.get(position);
		this.#flags.set(entry, this.#flags.get(entry) & ~failed);
	}

	setDone(position: number, offset: number): void {
		const entry = this.#order.get(position);
		this.#mark(entry, done);
		this.#results.offsets.set(entry, offset + 1);
	}

	setFailed(position: number, offset: number): void {
		const entry = this.#order.get(position);
		this.#mark(entry, failed);
		this.#failures.offsets.set(entry, offset + 1);
	}

	/** Offset of a done row's result. */
	resultOffset(position: number): number {
		return this.#results.offsets.get(this.#order.get(position)) - 1;
	}

	/** Offset of a failed row's error record. */
	failureOffset(position: number): number {
		return this.#failures.offsets.get(this.#order.get(position)) - 1;
	}

	/** Offsets of the results that answer a row, in the order of the input. */
	*answeredOffsets(): Generator<number, void, undefined> {
		for (let position = 0; position < this.#positions; position++)
			if (this.state(position) === "done") yield this.resultOffset(position);
	}

	/**
	 * Offsets of the results in the order of the input, then of those that answer no row of it (another selection or
	 * model, a row since removed, an edited row without a new answer), which were paid for and stay.
	 */
	*resultOffsets(): Generator<number, void, undefined> {
		yield* this.answeredOffsets();
		for (let entry = 0; entry < this.#entries; entry++) {
			const offset = this.#results.offsets.get(entry);
			if (offset !== 0 && !(this.#flags.get(entry) & done)) yield offset - 1;
		}
	}

	/** Offsets of the failures that still stand, in the order of the input, then of those that are not of this input. */
	*failureOffsets(): Generator<number, void, undefined> {
		for (let position = 0; position < this.#positions; position++)
			if (this.state(position) === "failed") yield this.failureOffset(position);
		for (let entry = 0; entry < this.#entries; entry++) {
			const offset = this.#failures.offsets.get(entry);
			if (offset !== 0 && !(this.#flags.get(entry) & wanted)) yield offset - 1;
		}
	}

	#mark(entry: number, flag: number): void {
		this.#flags.set(entry, (this.#flags.get(entry) & ~(done | failed)) | flag);
	}

	#has(id: string, model: string, flag: number): boolean {
		const entry = this.#find(id, model);
		return entry !== undefined && (this.#flags.get(entry) & flag) !== 0;
	}

	/** The entry of an (id, model), or undefined; `#slot` is where it is or would be. */
	#find(id: string, model: string): number | undefined {
		const { high, low } = this.#hash.update(id, model);
		const mask = this.#slots.length - 1;
		this.#slot = low & mask;
		for (let found = this.#slots[this.#slot]; found; found = this.#slots[this.#slot]) {
			if (this.#low.get(found - 1) === low && this.#high.get(found - 1) === high) return found - 1;
			this.#slot = (this.#slot + 1) & mask;
		}
		return undefined;
	}

	#entry(id: string, model: string): number {
		const known = this.#find(id, model);
		if (known !== undefined) return known;
		const { high, low } = this.#hash;
		const entry = this.#entries;
		this.#entries += 1;
		this.#high.set(entry, high);
		this.#low.set(entry, low);
		this.#slots[this.#slot] = entry + 1;
		if (this.#entries * 4 > this.#slots.length * 3) this.#grow();
		return entry;
	}

	#grow(): void {
		const slots = new Uint32Array(this.#slots.length * 2);
		const mask = slots.length - 1;
		for (let entry = 0; entry < this.#entries; entry++) {
			let slot = this.#low.get(entry) & mask;
			while (slots[slot]) slot = (slot + 1) & mask;
			slots[slot] = entry + 1;
		}
		this.#slots = slots;
	}
}
