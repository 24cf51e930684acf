type Cells = Uint8Array | Uint32Array | Float64Array;

const chunkBits = 12;
const chunkLength = 1 << chunkBits;
const chunkMask = chunkLength - 1;

/**
 * One figure for each of very many rows. It grows by chunks, so nothing is ever copied and rows that are never
 * written cost nothing; unwritten cells are 0.
 */
export class PackedColumn {
	readonly #create: (length: number) => Cells;
	readonly #chunks: (Cells | undefined)[] = [];

	private constructor(create: (length: number) => Cells) {
		this.#create = create;
	}

	static ofBytes(): PackedColumn {
		return new PackedColumn((length) => new Uint8Array(length));
	}

	static ofWords(): PackedColumn {
		return new PackedColumn((length) => new Uint32Array(length));
	}

	/** For byte offsets, which pass 2^32. */
	static ofNumbers(): PackedColumn {
		return new PackedColumn((length) => new Float64Array(length));
	}

	get(index: number): number {
		return this.#chunks[index >>> chunkBits]?.[index & chunkMask] ?? 0;
	}

	set(index: number, value: number): void {
		const number = index >>> chunkBits;
		let chunk = this.#chunks[number];
		if (chunk === undefined) {
			chunk = this.#create(chunkLength);
			this.#chunks[number] = chunk;
		}
		chunk[index & chunkMask] = value;
	}
}
