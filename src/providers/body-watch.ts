/**
 * A response body that remembers whether it was read to its end. SDKs stop reading at `[DONE]`, and end a stream in
 * the same way when the body simply ends, which may mean that it was cut.
 */
export class BodyWatch implements AsyncIterable<Uint8Array> {
	/** The reader came to the end of the body; false when it stopped by itself before. */
	ended = false;
	readonly #body: AsyncIterable<Uint8Array>;

	constructor(body: unknown) {
		this.#body = body as AsyncIterable<Uint8Array>;
	}

	[Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
		const source = this.#body[Symbol.asyncIterator]();
		return {
			next: async () => {
				const result = await source.next();
				if (result.done) this.ended = true;
				return result;
			},
			return: async (value) => (await source.return?.(value)) ?? { done: true, value: undefined },
		};
	}
}
