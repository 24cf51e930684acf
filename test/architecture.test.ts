import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const source = fileURLToPath(new URL("../src", import.meta.url));

/**
 * Who may import whom: a room a row, in an order in which every room comes after those it imports. A room is a folder
 * of src/; `words` are the files that only name things and the table of parameters, `face` is src/index.ts, `library` the rest of src/ itself.
 */
const allowed: Record<string, readonly string[]> = {
	words: [],
	terminal: ["words"],
	state: ["words"],
	simulator: ["words"],
	http: ["words"],
	limits: ["words"],
	share: ["words"],
	slots: ["words", "state"],
	schedule: ["words", "limits", "slots"],
	content: ["words", "http"],
	providers: ["words", "http", "limits"],
	models: ["words", "state", "http", "providers"],
	cache: ["words", "state", "share", "providers"],
	ask: ["words", "state", "http", "limits", "slots", "schedule", "content", "providers", "models", "cache"],
	jobs: ["words", "state", "http", "schedule", "providers", "models", "cache", "ask"],
	library: ["words", "state", "http", "slots", "schedule", "models", "cache", "ask", "jobs"],
	face: ["words", "state", "content", "models", "cache", "ask", "jobs", "library"],
	prompts: ["words", "state", "content", "ask"],
	results: ["words", "state", "ask", "prompts"],
	report: ["words", "state", "terminal", "prompts", "results"],
	batch: ["words", "state", "schedule", "models", "cache", "ask", "jobs", "library", "prompts", "results"],
	chat: ["words", "state", "terminal", "content", "models", "library"],
	ui: ["words", "terminal", "chat"],
	cli: [
		"words",
		"state",
		"terminal",
		"share",
		"schedule",
		"ask",
		"models",
		"content",
		"jobs",
		"face",
		"prompts",
		"results",
		"report",
		"batch",
		"chat",
	],
	launch: ["state", "cli"],
};

/** Allowed only as `await import(…)` or as a type, so that nobody pays for them at start-up. */
const allowedLazily: Record<string, readonly string[]> = {
	providers: ["simulator"],
	cli: ["simulator", "ui"],
};

const words = [
	...["types.ts", "errors.ts", "options.ts", "answer-text.ts", "parameters"],
	"simulator/dialect-names.ts",
];

/** Packages that are heavy at start-up: a module that names one statically is itself reached only by `import(…)`. */
const startupModules = ["cli/main.ts", "cli/ask/ask.ts", "index.ts"];
const heavyPackages =
	/^(openai|@google\/genai|@anthropic-ai\/sdk|ioredis|undici|zod|ink|react|papaparse|ajv|gpt-tokenizer|@codemirror\/|node:sqlite)/;

interface Import {
	readonly specifier: string;
	readonly lazy: boolean;
	readonly typeOnly: boolean;
}

function roomOf(file: string): string {
	const path = relative(source, file);
	const [first = "", ...rest] = path.split("/");
	if (words.includes(first) || words.includes(path)) return "words";
	if (rest.length > 0) return first;
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

	it("leave no circle between files", () => {
		const unfinished: string[] = [];
		const finished = new Set<string>();
		const circles: string[] = [];
		const visit = (file: string): void => {
			if (finished.has(file) || !existsSync(file)) return;
			const begun = unfinished.indexOf(file);
			if (begun >= 0) {
				circles.push([...unfinished.slice(begun), file].map((path) => relative(source, path)).join(" > "));
				return;
			}
			unfinished.push(file);
			for (const { specifier } of importsOf(file))
				if (specifier.startsWith(".")) visit(join(dirname(file), specifier));
			unfinished.pop();
			finished.add(file);
		};
		files.forEach(visit);
		expect(circles).toEqual([]);
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

describe("the source", () => {
	it("gives one name to one type or class", () => {
		const places = new Map<string, string[]>();
		for (const file of files) {
			const declared = readFileSync(file, "utf8").matchAll(
				/^(?:export )?(?:abstract )?(?:interface|type|class) (\w+)/gm,
			);
			for (const [declaration, name] of declared)
				if (declaration.startsWith("export"))
					places.set(name as string, [...(places.get(name as string) ?? []), relative(source, file)]);
		}
		const twice = [...places].filter(([, where]) => where.length > 1);
		expect(twice.map(([name, where]) => `${name}: ${where.join(", ")}`)).toEqual([]);
	});

	it("has no file over 300 lines and no folder over 25 files", () => {
		const long = files.filter((file) => readFileSync(file, "utf8").split("\n").length - 1 >= 300);
		const sizes = Map.groupBy(files, dirname);
		const full = [...sizes].filter(([, inside]) => inside.length > 25).map(([folder]) => folder);
		const loose = sizes.get(source)?.length ?? 0;
		expect({ long, full, loose: loose > 8 }).toEqual({ long: [], full: [], loose: false });
	});
});

describe("the style", () => {
	const root = join(source, "..");
	const all = globSync("{src,test,bench,scripts}/**/*.{ts,tsx}", { cwd: root });
	const find = (pattern: RegExp) =>
		all.flatMap((file) =>
			Array.from(readFileSync(join(root, file), "utf8").matchAll(pattern), ([found]) => `${file}: ${found}`),
		);

	it("writes constants as all other names", () => {
		expect(find(/^(?:export )?const [A-Z][A-Z0-9_]+\b/gm)).toEqual([]);
	});

	it("puts one short statement behind its condition, without braces", () => {
		const braced =
			/^\t*(?:\} else )?(?:if|for|while) \(.*\) \{\n\t+(?!(?:if|for|while|switch|try|const|let|do)\b)[^\n{}]*;\n\t*\}(?! else)$/gm;
		expect(find(braced)).toEqual([]);
	});
});

describe("a streamed part", () => {
	it("passes three generators on its way: the adapter's, the caller's, the conversation's", () => {
		const found = files
			.filter((file) => /^(?:providers|ask|conversation|llm)/.test(relative(source, file)))
			.flatMap((file) => {
				const text = readFileSync(file, "utf8");
				const generators = /async (?:function)?\*\s*(#?\w+).*?AsyncGenerator<(?:AnswerPart|StreamPart)\b/gs;
				return Array.from(text.matchAll(generators), ([, name]) => name);
			});
		// `partsOf` gives a stored answer, which no other of them has seen.
		expect(found.toSorted()).toEqual(["#parts", "partsOf", "send", "streamAnswer"]);
	});
});
