import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { main } from "../../src/cli/main.ts";
import { type Simulator, type SimulatorOptions, startSimulator } from "../../src/simulator/server.ts";
import { afterTest } from "../helpers/cleanup.ts";
import { createTestIo, type TestIo } from "../helpers/io.ts";

/** Every provider with a batch API: a model of it, and where the simulator serves it. */
export const jobProviders = {
	openai: { model: "openai/echo", path: "/v1" },
	groq: { model: "groq/echo", path: "/groq/v1" },
	together: { model: "together_ai/echo", path: "/together/v1" },
	mistral: { model: "mistral/echo", path: "/mistral/v1" },
	xai: { model: "xai/echo", path: "/xai/v1" },
	openrouter: { model: "openrouter/echo", path: "/openrouter/v1" },
	fireworks: { model: "fireworks_ai/echo", path: "/fireworks/inference/v1" },
	anthropic: { model: "anthropic/echo", path: "" },
	gemini: { model: "gemini/echo", path: "" },
} as const;

export type JobProvider = keyof typeof jobProviders;

export type Row = Readonly<Record<string, unknown>>;

export interface JobBench {
	readonly simulator: Simulator;
	readonly folder: string;
	readonly env: Record<string, string>;
	/** Runs the command line; `batch` gets `--via-jobs` with a look every few ms. */
	run(
		args: readonly string[],
		onIo?: (io: TestIo) => void,
	): Promise<{ exitCode: number; out: string; err: string }>;
	writeRows(prompts: readonly string[]): void;
	read(name: string): readonly Row[];
	/** Makes the jobs older by so many ms, as far as this computer knows of them. */
	age(ms: number): void;
	/** Rows of all jobs that were created. */
	submitted(): number;
}

/** A home, a folder and a simulator whose jobs take no time unless told otherwise. */
export async function jobBench(options: SimulatorOptions = {}): Promise<JobBench> {
	const folder = mkdtempSync(join(tmpdir(), "llmx-jobs-"));
	const simulator = await startSimulator({ ...options, jobs: { lifeMs: 0, ...options.jobs } });
	afterTest(async () => {
		await simulator.close();
		rmSync(folder, { recursive: true, force: true });
	});
	const env: Record<string, string> = { LLMX_HOME: join(folder, "home") };
	for (const [id, { path }] of Object.entries(jobProviders)) {
		env[`${id.toUpperCase()}_BASE_URL`] = `${simulator.url}${path}`;
		env[`${id.toUpperCase()}_API_KEY`] = `sk-${id}`;
	}
	return {
		simulator,
		folder,
		env,
		async run(args, onIo) {
			const io = createTestIo({ cwd: folder, env });
			onIo?.(io);
			const isJobs = args[0] === "batch" && !args.includes("--dry-run") && !args.includes("--flex");
			const exitCode = await main(isJobs ? [...args, "--via-jobs", "--poll", "0.02", "-y"] : args, io);
			return { exitCode, out: io.out(), err: io.err() };
		},
		writeRows(prompts) {
			const lines = prompts.map((prompt, index) => `${JSON.stringify({ id: `id ${index}`, prompt })}\n`);
			writeFileSync(join(folder, "in.jsonl"), lines.join(""));
		},
		read(name) {
			const path = join(folder, name);
			if (!existsSync(path)) return [];
			return readFileSync(path, "utf8")
				.split("\n")
				.filter((line) => line !== "")
				.map((line) => JSON.parse(line) as Row);
		},
		age(ms) {
			const path = join(folder, "home/jobs.jsonl");
			if (!existsSync(path)) return;
			const older = (_text: string, at: string) => `"at":"${new Date(Date.parse(at) - ms).toISOString()}"`;
			writeFileSync(path, readFileSync(path, "utf8").replaceAll(/"at":"([^"]+)"/g, older));
		},
		submitted: () => Object.values(simulator.jobs).reduce((sum, rows) => sum + rows, 0),
	};
}

/** Texts that differ, so that nothing is answered by another row's answer. */
export function prompts(count: number): string[] {
	return Array.from({ length: count }, (_, index) => `row number ${index}`);
}
