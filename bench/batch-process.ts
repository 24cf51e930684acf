/** What the benches of `llmx batch` share: a server of its own process, prompts, and one measured run. */
import { type ChildProcessByStdio, spawn, spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";

const llmx = fileURLToPath(new URL("../bin/llmx.js", import.meta.url));

export interface Run {
	readonly rows: number;
	/** Wall clock of the whole process. */
	readonly seconds: number;
	/** From the first look at the prompts to the summary, as the command itself reports it. */
	readonly workSeconds: number;
	readonly cpuSeconds: number;
	readonly peakMegabytes: number;
}

export interface RunTarget {
	readonly env?: NodeJS.ProcessEnv | undefined;
	readonly model?: string | null | undefined;
}

/** A folder with prompts, and a server that answers at once, or after so many ms. */
export class Workbench {
	readonly folder = mkdtempSync(join(tmpdir(), "llmx-bench-"));
	readonly #server: ChildProcessByStdio<null, Readable, null>;
	port = 0;
	/** Homes that have the program's compiled code, as the one of a user who has run it before. */
	readonly #homes = new Set<string>();

	private constructor(latencyMs: number) {
		const script = fileURLToPath(new URL("zero-server.ts", import.meta.url));
		this.#server = spawn(process.execPath, [script, String(latencyMs)], {
			stdio: ["ignore", "pipe", "inherit"],
		});
	}

	static async open(latencyMs = 0): Promise<Workbench> {
		const bench = new Workbench(latencyMs);
		bench.port = await new Promise<number>((resolve) => {
			bench.#server.stdout.once("data", (data) => resolve(Number(data)));
		});
		return bench;
	}

	/** Writes a file of so many prompts and returns its name. */
	writePrompts(rows: number): string {
		const name = `prompts-${rows}.jsonl`;
		const file = openSync(join(this.folder, name), "w");
		for (let row = 0; row < rows; ) {
			let lines = "";
			for (const end = Math.min(rows, row + 10_000); row < end; row++) {
				lines += `{"prompt":"prompt number ${row}, with a few words"}\n`;
			}
			writeSync(file, lines);
		}
		closeSync(file);
		return name;
	}

	/**
	 * Runs the prompts once; `home` names the cache and ledger that it uses, where the program has been run before. `env`
	 * and `model` are for servers and models other than the local one, null for a model that the flags name.
	 */
	run(prompts: string, home: string, flags: readonly string[] = [], target: RunTarget = {}): Run {
		if (!this.#homes.has(home)) {
			this.#homes.add(home);
			this.#run(this.writePrompts(10), home, ["-m", "sim/echo", "--no-cache"], { model: null });
		}
		return this.#run(prompts, home, flags, target);
	}

	#run(prompts: string, home: string, flags: readonly string[], { env, model = "local/m" }: RunTarget): Run {
		const results = join(this.folder, "out.jsonl");
		for (const file of [results, join(this.folder, "out.errors.jsonl")]) rmSync(file, { force: true });
		const summary = join(this.folder, "summary.json");
		const args = [
			llmx,
			"batch",
			prompts,
			...(model === null ? [] : ["-m", model]),
			"-o",
			results,
			"-q",
			"--summary-json",
			summary,
			...flags,
		];
		// /usr/bin/time would be another dependency: the process tells its own peak when it exits.
		const report = join(this.folder, "usage.json");
		const hook = `process.on("exit",()=>{const u=process.resourceUsage();require("fs").writeFileSync(${JSON.stringify(report)},JSON.stringify({peak:u.maxRSS,cpu:u.userCPUTime+u.systemCPUTime}))})`;
		const preload = `data:text/javascript,import{createRequire}from"node:module";const require=createRequire("file:///");${encodeURIComponent(hook)}`;
		const startedAt = performance.now();
		const { status, stderr } = spawnSync(process.execPath, ["--import", preload, ...args], {
			cwd: this.folder,
			env: env ?? {
				PATH: process.env.PATH,
				LLMX_HOME: join(this.folder, home),
				LOCAL_BASE_URL: `http://127.0.0.1:${this.port}/v1`,
			},
			encoding: "utf8",
		});
		const seconds = (performance.now() - startedAt) / 1000;
		if (status !== 0) throw new Error(`llmx batch ended with ${status}: ${stderr}`);
		const usage = JSON.parse(readFileSync(report, "utf8")) as { peak: number; cpu: number };
		const { answered, seconds: workSeconds } = JSON.parse(readFileSync(summary, "utf8")) as {
			answered: number;
			seconds: number;
		};
		return {
			rows: answered,
			seconds,
			workSeconds,
			cpuSeconds: usage.cpu / 1e6,
			peakMegabytes: usage.peak / 1024,
		};
	}

	close(): void {
		this.#server.kill();
		rmSync(this.folder, { recursive: true, force: true });
	}
}
