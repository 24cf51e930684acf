import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Found, Installed } from "./install.ts";

const file = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const llmx = file("../../bin/llmx.js");

/** What a peer is given to do. */
export interface Job {
	readonly baseUrl: string;
	readonly rows: number;
	readonly inFlight: number;
	/** A folder of its own, empty, where its answers go. */
	readonly folder: string;
	/** A folder that all its runs share: its configuration, and what it has compiled. */
	readonly home: string;
}

export interface Command {
	readonly argv: readonly string[];
	readonly env?: Readonly<Record<string, string>>;
}

export interface Peer {
	/** What `--only` calls it. */
	readonly name: string;
	readonly label: string;
	/** Undefined where it is not installed. */
	readonly found: Found | undefined;
	/** `path` is that of what was found. */
	readonly command: (job: Job, path: string) => Command;
	/** How many are in flight is its own business. */
	readonly pacesItself?: boolean;
	/** A line for each answer that it has kept, by its job; absent where what it keeps is not in lines. */
	readonly answers?: (job: Job) => string;
}

export const promptOf = (row: number | string) => `prompt number ${row}, with a few words`;
const answersIn = ({ folder }: Pick<Job, "folder">) => join(folder, "answers.jsonl");

const own: Found = {
	path: llmx,
	version() {
		const options = { cwd: import.meta.dirname, encoding: "utf8" } as const;
		return `llmx ${execFileSync("git", ["rev-parse", "--short", "HEAD"], options).trim()}`;
	},
};

function llmxCommand({ baseUrl, home }: Job, argv: readonly string[]): Command {
	return { argv: [process.execPath, llmx, ...argv], env: { LLMX_HOME: home, LOCAL_BASE_URL: baseUrl } };
}

function llmxBatch(job: Job, more: readonly string[]): Command {
	const prompts = join(job.home, `prompts-${job.rows}.jsonl`);
	if (!existsSync(prompts)) {
		const lines = Array.from(
			{ length: job.rows },
			(_, row) => `${JSON.stringify({ prompt: promptOf(row) })}\n`,
		);
		mkdirSync(job.home, { recursive: true, mode: 0o700 });
		writeFileSync(prompts, lines.join(""));
	}
	const flags = ["-m", "local/m", "-o", answersIn(job), "-q", "--no-cache"];
	return llmxCommand(job, ["batch", prompts, ...flags, ...more]);
}

/** Peers that answer many prompts. */
export function manyPrompts({ npm, python }: Installed): readonly Peer[] {
	const argumentsOf = ({ baseUrl, rows, inFlight }: Job, output: string) => [
		baseUrl,
		String(rows),
		String(inFlight),
		output,
	];
	const script = (name: string, label: string, needs = name): Peer => ({
		name,
		label,
		found: npm("js", needs),
		command: (job, path) => {
			const client = join(path.slice(0, path.lastIndexOf("node_modules")), "client.mjs");
			return { argv: [process.execPath, client, name, ...argumentsOf(job, answersIn(job))] };
		},
		answers: answersIn,
	});
	return [
		{
			name: "llmx",
			label: "llmx batch, as it comes",
			found: own,
			command: (job) => llmxBatch(job, []),
			pacesItself: true,
			answers: answersIn,
		},
		{
			name: "llmx",
			label: "llmx batch `--concurrency`",
			found: own,
			command: (job) => llmxBatch(job, ["--concurrency", String(job.inFlight)]),
			answers: answersIn,
		},
		script("openai", "openai SDK + p-limit"),
		script("ai", "AI SDK + p-limit"),
		script("langchain", "LangChain JS + p-limit", "@langchain/openai"),
		{
			name: "litellm",
			label: "litellm (Python)",
			found: python("litellm"),
			command: (job, path) => ({
				argv: [path, file("litellm_client.py"), ...argumentsOf(job, answersIn(job))],
			}),
			answers: answersIn,
		},
		{
			name: "promptfoo",
			label: "promptfoo",
			found: npm("promptfoo", "promptfoo"),
			command: promptfooCommand,
			answers: answersIn,
		},
		{
			name: "inspect",
			label: "inspect (Python)",
			found: python("inspect_ai"),
			command: (job, path) => ({ argv: [path, file("inspect_client.py"), ...argumentsOf(job, job.folder)] }),
		},
		script("undici", "a bare undici loop"),
	];
}

function promptfooCommand({ baseUrl, rows, inFlight, folder, home }: Job, path: string): Command {
	const config = join(folder, "config.json");
	const provider = { id: "openai:chat:m", config: { apiBaseUrl: baseUrl, apiKey: "sk-bench" } };
	const tests = Array.from({ length: rows }, (_, row) => ({ vars: { row: String(row) } }));
	writeFileSync(config, JSON.stringify({ providers: [provider], prompts: [promptOf("{{row}}")], tests }));
	const { bin } = JSON.parse(readFileSync(join(path, "package.json"), "utf8")) as {
		bin: Record<string, string>;
	};
	const program = join(path, bin.promptfoo as string);
	const flags = ["--no-cache", "--no-table", "--no-progress-bar", "-j", String(inFlight)];
	return {
		argv: [process.execPath, program, "eval", "-c", config, ...flags, "-o", answersIn({ folder })],
		env: {
			PROMPTFOO_CONFIG_DIR: home,
			PROMPTFOO_DISABLE_TELEMETRY: "1",
			PROMPTFOO_DISABLE_UPDATE: "1",
		},
	};
}

/** Peers that answer a prompt given on the command line. */
export function onePrompt({ program, python }: Installed): readonly Peer[] {
	return [
		{
			name: "llmx",
			label: "llmx ask",
			found: own,
			command: (job) => llmxCommand(job, ["ask", "-m", "local/m", "--no-cache", promptOf(0)]),
		},
		{
			name: "llm",
			label: "llm (Python)",
			found: python("llm"),
			command: ({ baseUrl, home }, path) => {
				const model = { model_id: "m", model_name: "m", api_base: baseUrl };
				write(home, "extra-openai-models.yaml", JSON.stringify([model]));
				return {
					argv: [join(dirname(path), "llm"), "-m", "m", "--key", "sk-bench", "--no-log", promptOf(0)],
					env: { LLM_USER_PATH: home },
				};
			},
		},
		{
			name: "aichat",
			label: "aichat (Rust)",
			found: program("aichat"),
			command: ({ baseUrl, home }, path) => {
				const client = { type: "openai-compatible", name: "bench", api_base: baseUrl, api_key: "sk-bench" };
				const clients = [{ ...client, models: [{ name: "m" }] }];
				write(home, "config.yaml", JSON.stringify({ model: "bench:m", clients }));
				return { argv: [path, promptOf(0)], env: { AICHAT_CONFIG_DIR: home } };
			},
		},
		{
			name: "mods",
			label: "mods (Go)",
			found: program("mods"),
			command: ({ baseUrl, home }, path) => {
				const models = { m: { "max-input-chars": 9_999 } };
				const bench = { "base-url": baseUrl, "api-key": "sk-bench", models };
				write(join(home, "mods"), "mods.yml", JSON.stringify({ apis: { bench } }));
				return {
					argv: [path, "--api", "bench", "--model", "m", "--quiet", "--no-cache", promptOf(0)],
					env: { XDG_CONFIG_HOME: home },
				};
			},
		},
	];
}

function write(folder: string, name: string, text: string): void {
	mkdirSync(folder, { recursive: true });
	writeFileSync(join(folder, name), text);
}
