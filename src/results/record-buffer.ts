/** Encodes records that are about to be written, always in the same memory. */
export class RecordBuffer {
	#buffer = Buffer.allocUnsafe(64 * 1024);

	/**
	 * Records, given without their newlines, as the bytes of lines, and where in them each begins. The bytes are valid
	 * until the next call.
	 */
	encode(records: readonly string[]): { readonly bytes: Uint8Array; readonly offsets: readonly number[] } {
		let units = 0;
		for (const record of records) units += record.length + 1;
		// UTF-16 code units take at most three bytes each in UTF-8.
		if (this.#buffer.length < units * 3) this.#buffer = Buffer.allocUnsafe(units * 3);
		const offsets: number[] = [];
		let length = 0;
		for (const record of records) {
			offsets.push(length);
			length += this.#buffer.write(record, length, "utf8");
			this.#buffer[length] = 0x0a;
			length += 1;
		}
		return { bytes: this.#buffer.subarray(0, length), offsets };
	}
}
