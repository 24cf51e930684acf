/** Whether all ids are numbers, and which is the largest. */
export class NumberedIds {
	#largest = 0;
	#areNumbers = true;

	add(id: string): void {
		this.#areNumbers &&= /^[1-9]\d{0,9}$/.test(id);
		if (this.#areNumbers) this.#largest = Math.max(this.#largest, Number(id));
	}

	/** The numbers from 1 to the largest id, when every id is one. */
	all(): Iterable<string> | undefined {
		const largest = this.#areNumbers ? this.#largest : 0;
		if (largest === 0) return undefined;
		return (function* () {
			for (let number = 1; number <= largest; number++) yield String(number);
		})();
	}
}
