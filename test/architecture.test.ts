import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const source = fileURLToPath(new URL("../src", import.meta.url));

/**
 * Who may import whom: a room a row, in an order in which every room comes after those it imports. A room is a folder
 * of src/; `words` are the files that only name things, `face` is src/index.ts, `library` the rest of src/ itself.
 */
const allowed: Record<string, readonly string[]> = {
	words: [],
	terminal: ["words"],
	state: ["words"],
	simulator: ["words"],
	http: ["words"],
	limits: ["words"],
	slots: ["words", "state"],
	schedule: ["words", "limits", "slots"],
	content: ["words", "http"],
	providers: ["words", "http", "limits"],
	models: ["words", "state", "http", "providers"],
	cache: ["words", "state", "providers"],
	ask: ["words", "state", "http", "limits", "slots", "schedule", "content", "providers", "models", "cache"],
	library: ["words", "state", "http", "slots", "schedule", "models", "cache", "ask"],
	face: ["words", "state", "content", "models", "cache", "ask", "library"],
	prompts: ["words", "state", "content", "ask"],
	results: ["words", "state", "ask", "prompts"],
	batch: ["words", "state", "schedule", "models", "cache", "ask", "library", "prompts", "results"],
	chat: ["words", "state", "terminal", "content", "models", "library"],
	ui: ["words", "terminal", "chat"],
	cli: ["words", "state", "terminal", "schedule", "face", "prompts", "results", "batch", "chat"],
};

/** Allowed only as `await import(…)` or as a type, so that nobody pays for them at start-up. */
const allowedLazily: Record<string, readonly string[]> = {
	providers: ["simulator"],
	cli: ["simulator", "ui"],
};

const words = ["types.ts", "errors.ts", "options.ts", "usage.ts"];

/** Packages that are heavy at start-up: a module that names one statically is itself reached only by `import(…)`. */
const startupModules = ["cli/main.ts", "cli/ask/ask.ts", "index.ts"];
const heavyPackages =
	/^(openai|@google\/genai|@anthropic-ai\/sdk|keyv|@keyv\/|undici|zod|ink|react|papaparse|ajv|gpt-tokenizer|marked|highlight\.js|node:sqlite)/;

interface Import {
	readonly specifier: string;
	readonly lazy: boolean;
	readonly typeOnly: boolean;
}

function roomOf(file: string): string {
	const [first = "", ...rest] = relative(source, file).split("/");
	if (rest.length > 0) return first;
	if (words.includes(first)) return "words";
	return first === "index.ts" ? "face" : "library";
}

function importsOf(file: string): Import[] {
	const text = readFileSync(file, "utf8");
	const found: Import[] = [];
	const statements =
		/^(?:import\s+(type\s)?(?:[^;'"]*?\sfrom\s*)?|export\s+(type\s)?[^;'"(]*?\sfrom\s*)"([^"]+)"/gm;
	for (const [, importType, exportType, specifier] of text.matchAll(statements)) {
		const type = importType ?? exportType;
		found.push({ specifier: specifier as string, lazy: false, typeOnly: type !== undefined });
	}
	for (const [, specifier] of text.matchAll(/\bimport\("([^"]+)"\)/g)) {
		found.push({ specifier: specifier as string, lazy: true, typeOnly: false });
	}
	return found;
}

const files = globSync("**/*.{ts,tsx}", { cwd: source }).map((file) => join(source, file));

describe("the import rules", () => {
	it("hold for every file", () => {
		const broken = files.flatMap((file) => {
			const room = roomOf(file);
			return importsOf(file)
				.filter(({ specifier }) => specifier.startsWith("."))
				.filter(({ specifier, lazy, typeOnly }) => {
					const target = roomOf(join(dirname(file), specifier));
					if (target === room || allowed[room]?.includes(target)) return false;
					return !((lazy || typeOnly) && allowedLazily[room]?.includes(target));
				})
				.map(({ specifier }) => `${relative(source, file)} imports ${specifier}`);
		});
		expect(broken).toEqual([]);
	});

	it("name every room once, after those it imports, and no room that is not there", () => {
		const rooms = Object.keys(allowed);
		expect(rooms.toSorted()).toEqual([...new Set(files.map(roomOf))].toSorted());
		for (const [place, room] of rooms.entries())
			expect(allowed[room]?.filter((other) => rooms.indexOf(other) >= place)).toEqual([]);
	});

	it("keep heavy packages off the start-up path", () => {
		const seen = new Set<string>();
		const visit = (file: string, path: string): string[] => {
			if (seen.has(file) || !existsSync(file)) return [];
			seen.add(file);
			return importsOf(file).flatMap(({ specifier, lazy, typeOnly }) => {
				if (lazy || typeOnly) return [];
				if (specifier.startsWith(".")) return visit(join(dirname(file), specifier), `${path} > ${specifier}`);
				return heavyPackages.test(specifier) ? [`${path} > ${specifier}`] : [];
			});
		};
		expect(startupModules.flatMap((file) => visit(join(source, file), file))).toEqual([]);
	});
});
