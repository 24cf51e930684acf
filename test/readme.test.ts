import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { askTable, manyTable, readFigures, sourcesOf } from "../bench/peers/figures.ts";
import { findInstalled } from "../bench/peers/install.ts";
import { manyPrompts, onePrompt, type Peer } from "../bench/peers/peers.ts";
import { main } from "../src/cli/main.ts";
import { exitCodes } from "../src/errors.ts";
import { providerRows } from "../src/index.ts";
import { createTestIo } from "./helpers/io.ts";
import { runShell } from "./helpers/program.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const readme = readFileSync(join(root, "README.md"), "utf8");

interface Example {
	readonly language: string;
	readonly code: string;
	/** It follows `<!-- try -->`: it needs no key and no network. */
	readonly isTried: boolean;
}

const examples: Example[] = [...readme.matchAll(/(<!-- try -->\n)?```(\w+)\n(.*?)```/gs)].map(
	([, mark, language = "", code = ""]) => ({ language, code, isTried: mark !== undefined }),
);
const tried = (language: string) =>
	examples.filter((example) => example.language === language && example.isTried);

/** A folder in which the examples of the README are at home: the package is installed, its examples are there. */
let folder: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "llmx-readme-"));
	mkdirSync(join(folder, "node_modules"));
	symlinkSync(root, join(folder, "node_modules", "llmx"));
	cpSync(join(root, "examples"), join(folder, "examples"), { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("the README's examples", () => {
	it("are there", () => {
		expect(tried("ts").length).toBeGreaterThan(0);
		expect(tried("sh").length).toBeGreaterThan(0);
	});

	it.each(tried("ts"))("run as they stand: $code", ({ code }) => {
		writeFileSync(join(folder, "example.mts"), code);
		const env = { ...process.env, LLMX_HOME: join(folder, "home") };
		const { status, stdout, stderr } = spawnSync(process.execPath, ["example.mts"], {
			cwd: folder,
			env,
			encoding: "utf8",
		});
		expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
		for (const [, line, shown] of code.matchAll(/^console\.log\((.*)\); \/\/ (.*)$/gm)) {
			// What the comment says is printed.
			expect(stdout.replace(/\s+/g, ""), line).toContain(shown?.replaceAll('"', "'").replace(/\s+/g, ""));
		}
	});

	it.each(tried("sh"))("run as they stand: $code", async ({ code }) => {
		// The package is installed here, which is what the checkout's `npm ci` and `npx` are for.
		const installed = 'npm() { [ "$1" = ci ]; }; npx() { shift; llmx "$@"; };\n';
		const { code: exitCode, err } = await runShell(`set -e\n${installed}${code}`, {
			cwd: folder,
			env: { LLMX_HOME: join(folder, "home") },
		});
		expect([exitCode, err]).toEqual([0, expect.not.stringContaining("llmx: ")]);
	});

	it("use options that exist", async () => {
		const lines = examples
			.filter(({ language }) => language === "sh")
			.flatMap(({ code }) => code.split("\n"));
		const uses = lines.flatMap((line) =>
			[...line.replace(/#.*$/, "").matchAll(/\bllmx ([a-z]+)([^|]*)/g)].map(
				([, command = "", rest = ""]) => ({
					command,
					options: rest.match(/(?<=\s)--?[a-z][\w-]*/g) ?? [],
				}),
			),
		);
		expect(uses.length).toBeGreaterThan(5);
		for (const { command, options } of uses) {
			const io = createTestIo({ env: { LLMX_HOME: join(folder, "home") } });
			expect(await main([command, "--help"], io), command).toBe(0);
			for (const option of options)
				expect(io.out(), `llmx ${command} ${option}`).toMatch(new RegExp(`(^|[ ,])${option}\\b`, "m"));
		}
	});
});

describe("the README's tables", () => {
	const rows = readme
		.split("\n")
		.filter((line) => line.startsWith("|"))
		.map((line) =>
			line
				.split("|")
				.map((cell) => cell.trim())
				.slice(1, -1),
		);

	it("name every provider with its prefixes, key variables and address", () => {
		for (const { label, prefixes, keyEnv, keyRequired, baseUrl, local } of providerRows()) {
			const row = rows.find(([name]) => name === label);
			expect(row, label).toBeDefined();
			const [, models = "", keys = "", address = ""] = row ?? [];
			for (const prefix of prefixes) expect(models, label).toContain(`\`${prefix}/…\``);
			if (baseUrl === "") continue;
			for (const name of keyEnv) expect(keys, label).toContain(`\`${name}\``);
			expect(keys.includes("(optional)"), label).toBe(!keyRequired);
			expect(address).toBe(baseUrl);
			expect(local && keyRequired).toBe(false);
		}
	});

	it("name every exit code", () => {
		const codes = rows.flatMap(([first = ""]) =>
			/^\d[\d, ]*$/.test(first) ? first.split(", ").map(Number) : [],
		);
		expect(codes.toSorted((a, b) => a - b)).toEqual(Object.values(exitCodes).toSorted((a, b) => a - b));
	});

	it("show the peers as bench/peers.ts has measured them", () => {
		const figures = readFigures();
		const notInstalled = findInstalled("");
		const labels = (peers: readonly Peer[]) => peers.map(({ label }) => label);
		expect(readme).toContain(manyTable(figures, labels(manyPrompts(notInstalled))));
		expect(readme).toContain(askTable(figures, labels(onePrompt(notInstalled))));
		expect(readme.replaceAll("\n", " ")).toContain(sourcesOf(figures));
	});
});
