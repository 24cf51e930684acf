import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, sep } from "node:path";
import * as esbuild from "esbuild";
import { describe, expect, it } from "vitest";
import { packScripts, toScripts } from "../../scripts/bundle/scripts.ts";
import { Chunks } from "../../src/launch/chunks.ts";
import { temporaryFolder } from "../llm/harness.ts";

/** Builds modules as the command line is built; returns what its entry `main.js` exports. */
async function load(
	modules: Readonly<Record<string, string>>,
	roots: readonly string[] = [],
): Promise<Record<string, unknown>> {
	const folder = temporaryFolder();
	for (const [name, text] of Object.entries(modules)) writeFileSync(join(folder, name), text);
	const { outputFiles } = await esbuild.build({
		entryPoints: { main: join(folder, "main.js") },
		outdir: join(folder, "out"),
		bundle: true,
		splitting: true,
		format: "esm",
		platform: "node",
		minifySyntax: true,
		minifyWhitespace: true,
		lineLimit: 160,
		chunkNames: "[name]-[hash]",
		write: false,
	});
	const built = mkdtempSync(join(tmpdir(), "llmx-scripts-"));
	const scripts = await toScripts(outputFiles, { target: "node22.19", lineLimit: 160 });
	const { files, packed } = packScripts(scripts, roots);
	for (const [name, text] of files) writeFileSync(join(built, name), text);
	return new Chunks(built + sep, packed, undefined).require("./main.js");
}

const shared =
	"export let count = 0; export function add() { count += 1; } export class Odd extends Error {}";

describe("chunks as scripts", () => {
	it("share modules, and see what those set later", async () => {
		const { run } = (await load({
			"shared.js": shared,
			"one.js": 'import { add, count } from "./shared.js"; add(); export const seen = () => count;',
			"two.js": 'import { add, count } from "./shared.js"; add(); export const seen = () => count;',
			"main.js": `export async function run() {
				const one = await import("./one.js"), two = await import("./two.js"), again = await import("./one.js");
				return [one.seen(), two.seen(), one === again];
			}`,
		})) as { run: () => Promise<unknown> };
		expect(await run()).toEqual([2, 2, true]);
	});

	it("may be packed with what they require, and are found in any order", async () => {
		const modules = {
			"shared.js": shared,
			"two.js": 'export { add } from "./shared.js"; export const two = 2;',
			"one.js": 'import { Odd } from "./shared.js"; export const one = Odd.name;',
			"main.js": `export const run = async () => {
				const { one } = await import("./one.js"), { two, add } = await import("./two.js");
				return [one, two, typeof add];
			};`,
		};
		for (const roots of [[], ["two"], ["one"], ["two", "one"]]) {
			const { run } = (await load(modules, roots)) as { run: () => Promise<unknown> };
			expect(await run()).toEqual(["Odd", 2, "function"]);
		}
		await expect(load(modules, ["three"])).rejects.toThrow("not one script is called three");
	});

	it("may await something while they are evaluated", async () => {
		const { run } = (await load({
			"shared.js": shared,
			"late.js":
				'import { add, count as sum, Odd } from "./shared.js"; await null; add(); export const late = [sum, Odd.name];',
			"main.js": `import { Odd } from "./shared.js";
				export const run = async () => [(await import("./late.js")).late, Odd.name];`,
		})) as { run: () => Promise<unknown> };
		expect(await run()).toEqual([[1, "Odd"], "Odd"]);
	});

	it("are ASCII, and mean the same", async () => {
		const { run } = (await load({
			"main.js": "export const run = (text) => [text.replace(/[^é😀]|ü/gu, '-'), 'ß–😀', `€` + text];",
		})) as { run: (text: string) => unknown };
		expect(run("aé😀ü")).toEqual(["-é😀-", "ß–😀", "€aé😀ü"]);
	});

	it("load modules of Node, know their own address, and throw what they throw, every time", async () => {
		const { run, url, fail } = (await load({
			"bad.js": "throw new RangeError('bad'); export const x = 1;",
			"main.js": `export const run = async () => (await import("node:path")).basename("/a/b");
				export const url = import.meta.url;
				export const fail = () => import("./bad.js").then(() => "no", (error) => error.message);`,
		})) as { run: () => Promise<string>; url: string; fail: () => Promise<string> };
		expect(await run()).toBe("b");
		expect(url).toMatch(/^file:.*\/main\.js$/);
		expect([await fail(), await fail()]).toEqual(["bad", "bad"]);
	});
});
