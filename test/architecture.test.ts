import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const source = fileURLToPath(new URL("../src", import.meta.url));

/** Who may import whom. `library` is every file directly in src/ that is not named here; `face` is src/index.ts. */
const allowed: Record<string, readonly string[]> = {
	types: [],
	errors: ["types"],
	terminal: ["types", "errors"],
	state: ["types", "errors"],
	traffic: ["types", "errors"],
	simulator: ["types", "errors"],
	providers: ["traffic", "types", "errors"],
	library: ["providers", "traffic", "state", "types", "errors"],
	face: ["library", "types", "errors"],
	batch: ["library", "traffic", "state", "types", "errors"],
	chat: ["library", "state", "terminal", "types", "errors"],
	ui: ["chat", "terminal", "types"],
	cli: ["face", "batch", "chat", "terminal", "state", "traffic", "types", "errors"],
};

/** Allowed only as `await import(…)`, so that nobody pays for them at start-up. */
const allowedLazily: Record<string, readonly string[]> = {
	providers: ["simulator"],
	batch: ["simulator"],
	cli: ["simulator", "ui"],
};

/** Packages that are heavy at start-up: a module that names one statically is itself reached only by `import(…)`. */
const startupModules = ["cli/main.ts", "cli/commands/ask.ts", "index.ts"];
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
	if (first === "types.ts" || first === "errors.ts") return first.slice(0, -3);
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

	it("name a rule for every room", () => {
		expect([...new Set(files.map(roomOf))].filter((room) => !(room in allowed))).toEqual([]);
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
