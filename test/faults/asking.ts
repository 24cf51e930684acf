import { globSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import type { main as Main } from "../../src/cli/main.ts";
import type { Fault } from "../../src/simulator/faults/fault.ts";
import type { WireName } from "../../src/simulator/request.ts";
import { startSimulator } from "../../src/simulator/server.ts";
import { createTestIo } from "../helpers/io.ts";
import { neverEnds, plantedKey } from "./encounter.ts";

/** The built program, which holds SDKs that the bundler has trimmed: what ships is what meets the faults. */
const built = new URL("../../dist/main.cjs", import.meta.url).href;
const { main } = (await import(/* @vite-ignore */ built)) as { main: typeof Main };

/** Exit codes of the failure table, by row; faults of one row that differ are named. */
const exitByRow: Readonly<Record<string, readonly number[]>> = {
	"1": [5],
	"2-5": [5],
	"8": [1],
	"9": [4],
	"9b": [4],
	"10": [7],
	"11": [5],
	"12": [5],
	"12, 13": [5],
	"14": [1],
	"15": [1],
	"17": [0],
	"17b": [0],
	// A cut answer is incomplete (1) when text of it was shown, else worth another try later (5).
	"18": [1, 5],
	"19": [0],
	"20": [1, 5],
	"21": [1],
	"22": [0],
	"23": [0],
	"24": [1],
	"24b": [0],
	"25": [0],
	facts: [0],
};

const exitByName: Readonly<Record<string, readonly number[]>> = {
	"410": [1],
	"418": [1],
	"should-retry-false": [1],
	"error-200": [5],
	"error-empty": [0],
	"error-shape": [5],
	"stream-error": [5],
	"stream-error-event": [5],
	"stream-error-text": [5],
	"stream-error-choice": [5],
	"stream-error-first": [5],
	"stream-error-bare": [1, 5],
	"json-for-stream": [0],
	// Of a stream only the usage is lost.
	"cut-gzip": [0, 1, 5],
	"no-choices": [1],
	"finish-broken": [1],
	gzip: [0],
	trickle: [1, 5],
	"numeric-code": [5],
	"response-failed": [5],
};

const environment: Readonly<Record<WireName, (url: string) => Record<string, string>>> = {
	openai: (url) => ({ OPENAI_BASE_URL: `${url}/v1`, OPENAI_API_KEY: plantedKey }),
	responses: (url) => ({ OPENAI_BASE_URL: `${url}/v1`, OPENAI_API_KEY: plantedKey }),
	gemini: (url) => ({ GEMINI_BASE_URL: url, GEMINI_API_KEY: plantedKey }),
	anthropic: (url) => ({ ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: plantedKey }),
};

/** How `ask` is told to answer, for each way in which a fault is met. */
export function flagsOf({ on }: Fault): readonly (readonly string[])[] {
	if (on === "plain") return [["--no-stream"]];
	return on === "stream" ? [[], ["--json"]] : [[], ["--no-stream"]];
}

/** Runs the command with every verbosity on; checks exit code, streams and files. */
export async function ask(wire: WireName, fault: Fault, flags: readonly string[]): Promise<void> {
	const home = mkdtempSync(join(tmpdir(), "llmx-ask-fault-"));
	const simulator = await startSimulator();
	const io = createTestIo({ env: { LLMX_HOME: home, ...environment[wire](simulator.url) }, cwd: home });
	const timeout = neverEnds.has(fault.name) ? ["--timeout", "0.15"] : [];
	const value = fault.name === "open-after-done" || fault.name === "open-after-finish" ? "=30" : "";
	const args = [
		"ask",
		`before [[fault:${fault.name}${value}]] after`,
		"-m",
		wire === "responses" ? "openai/codex-echo" : `${wire}/echo`,
		"--debug",
		"-u",
		"--no-cache",
		"--max-retries",
		"0",
	];
	try {
		const code = await main([...args, ...timeout, ...flags], io);
		const where = `${fault.name} ${flags.join(" ")}\nstdout: ${io.out().slice(0, 300)}\nstderr: ${io.err().slice(0, 1_000)}`;
		expect(exitByName[fault.name] ?? exitByRow[fault.row], where).toContain(code);
		if (code !== 0) expect(io.err(), where).toMatch(/^llmx: /m);
		for (const seen of [io.out(), io.err(), ...filesUnder(home)])
			expect(seen.includes(plantedKey), where).toBe(false);
		expect(io.err(), where).not.toMatch(
			/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/,
		);
	} finally {
		await simulator.close();
		rmSync(home, { recursive: true, force: true });
	}
}

function filesUnder(folder: string): string[] {
	return globSync("**/*", { cwd: folder })
		.map((name) => join(folder, name))
		.filter((path) => statSync(path).isFile())
		.map((path) => readFileSync(path, "latin1"));
}
