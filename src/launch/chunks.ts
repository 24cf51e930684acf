import { closeSync, fstatSync, openSync, readSync, type Stats } from "node:fs";
import { Script } from "node:vm";
import type { CodeCache } from "./code-cache.ts";

type Exports = Record<string, unknown>;
type Body = (
	exports: Exports,
	require: (name: string) => Exports,
	define: (getters: Record<string, () => unknown>) => void,
	load: (name: string) => Promise<Exports>,
	evaluate: (body: () => Promise<void>) => void,
	meta: { readonly url: string },
) => void;

/** The built command line: scripts that `scripts/bundle/scripts.ts` has made of its chunks, each run once. */
export class Chunks {
	readonly #folder: string;
	readonly #packed: Readonly<Record<string, string>>;
	readonly #cache: CodeCache | undefined;
	readonly #bodies = new Map<string, Body>();
	readonly #exports = new Map<string, Exports>();
	/** Of those that await something while they are evaluated. */
	readonly #evaluating = new Map<string, Promise<void>>();

	/** `packed` says in which file a chunk is that has no file of its own name. */
	constructor(folder: string, packed: Readonly<Record<string, string>>, cache: CodeCache | undefined) {
		this.#folder = folder;
		this.#packed = packed;
		this.#cache = cache;
	}

	/** What a chunk exports, by its name after `./`. Throws what its code throws. */
	readonly require = (name: string): Exports => {
		const known = this.#exports.get(name);
		if (known !== undefined) return known;
		const exports: Exports = {};
		this.#exports.set(name, exports);
		const define = (getters: Record<string, () => unknown>) => {
			for (const [key, get] of Object.entries(getters))
				Object.defineProperty(exports, key, { get, enumerable: true });
		};
		const evaluate = (body: () => Promise<void>) => void this.#evaluating.set(name, body());
		const path = this.#pathOf(name);
		const meta = {
			get url() {
				return process.getBuiltinModule("node:url").pathToFileURL(path).href;
			},
		};
		try {
			this.#bodyOf(name)(exports, this.require, define, this.load, evaluate, meta);
		} catch (error) {
			this.#exports.delete(name);
			throw error;
		}
		return exports;
	};

	/** As `import()`, of modules of Node too. */
	readonly load = async (name: string): Promise<Exports> => {
		if (name.startsWith("node:")) return process.getBuiltinModule(name) as unknown as Exports;
		const exports = this.require(name);
		await this.#evaluating.get(name);
		return exports;
	};

	#pathOf(name: string): string {
		return this.#folder + (this.#packed[name] ?? name).slice(2);
	}

	#bodyOf(name: string): Body {
		if (!this.#bodies.has(name)) {
			for (const [packed, body] of Object.entries(this.#compile(this.#pathOf(name))))
				this.#bodies.set(packed, body);
		}
		return this.#bodies.get(name) as Body;
	}

	#compile(path: string): Readonly<Record<string, Body>> {
		const descriptor = openSync(path, "r");
		let source: string;
		let stats: Stats;
		try {
			stats = fstatSync(descriptor);
			const bytes = Buffer.allocUnsafeSlow(stats.size);
			const length = readSync(descriptor, bytes, 0, bytes.length, 0);
			source = bytes.toString("latin1", 0, length);
		} finally {
			closeSync(descriptor);
		}
		const cached = this.#cache?.find(path, stats);
		const create = () => new Script(source, { filename: path, ...(cached && { cachedData: cached }) });
		const script = this.#cache === undefined ? create() : this.#cache.underUsualFlags(create);
		this.#cache?.note(path, script, stats);
		return script.runInThisContext();
	}
}
