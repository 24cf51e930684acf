/**
 * Stand-ins for globals whose first touch is slow; the bundler puts them in their place. To touch a web class makes Node
 * load its own undici, and every SDK touches them all: +19 ms of CPU for an `ask`. Only `Headers` is used on the way to
 * an answer; the others make the real thing when asked. `performance` takes 2 ms.
 */

type HeadersInput = Iterable<readonly [string, string]> | Readonly<Record<string, string>>;

/** The WHATWG Headers as far as SDKs go; names and values are checked by the HTTP client that sends them. */
export class Headers {
	readonly #values = new Map<string, string>();

	constructor(init?: HeadersInput) {
		if (!init) return;
		const pairs = Symbol.iterator in init ? init : Object.entries(init);
		for (const [name, value] of pairs) this.append(name, value);
	}

	append(name: string, value: string): void {
		const before = this.get(name);
		this.set(name, before === null ? value : `${before}, ${value}`);
	}

	delete(name: string): void {
		this.#values.delete(name.toLowerCase());
	}

	get(name: string): string | null {
		return this.#values.get(name.toLowerCase()) ?? null;
	}

	has(name: string): boolean {
		return this.#values.has(name.toLowerCase());
	}

	set(name: string, value: string): void {
		this.#values.set(name.toLowerCase(), String(value));
	}

	forEach(callback: (value: string, name: string, headers: this) => void): void {
		for (const [name, value] of this.#values) callback(value, name, this);
	}

	entries(): IterableIterator<[string, string]> {
		return this.#values.entries();
	}

	keys(): IterableIterator<string> {
		return this.#values.keys();
	}

	values(): IterableIterator<string> {
		return this.#values.values();
	}

	[Symbol.iterator](): IterableIterator<[string, string]> {
		return this.#values.entries();
	}
}

/** A class that makes instances of the global of that name, and knows them without loading it. */
function standIn<Name extends "FormData" | "Request" | "Response">(name: Name): (typeof globalThis)[Name] {
	function create(...args: unknown[]): object {
		return Reflect.construct(globalThis[name], args);
	}
	Object.defineProperty(create, Symbol.hasInstance, {
		value: (value: unknown) => Object.prototype.toString.call(value) === `[object ${name}]`,
	});
	return create as unknown as (typeof globalThis)[Name];
}

export const FormData = standIn("FormData");
export const Request = standIn("Request");
export const Response = standIn("Response");

/** In the place of `performance.now`: the same clock, from another beginning. */
export function monotonicMs(): number {
	const time = process.hrtime();
	return time[0] * 1e3 + time[1] / 1e6;
}

/** In the place of `Intl.Segmenter`, which takes 9 ms: most of those who make one at their start never use it. */
export class LateSegmenter {
	readonly #make: () => Intl.Segmenter;
	#made: Intl.Segmenter | undefined;

	constructor(...args: ConstructorParameters<typeof Intl.Segmenter>) {
		this.#make = () => new globalThis.Intl.Segmenter(...args);
	}

	segment(text: string): Intl.Segments {
		this.#made ??= this.#make();
		return this.#made.segment(text);
	}
}
