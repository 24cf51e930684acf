import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Installed } from "./install.ts";

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
	readonly command: ((job: Job) => Command) | undefined;
	/** How many are in flight is its own business. */
	readonly pacesItself?: boolean;
	/** A line for each answer that it has kept, by its job; absent where what it keeps is not in lines. */
	readonly answers?: (job: Job) => string;
}

export const promptOf = (row: number | string) => `prompt number ${row}, with a few words`;
const answersIn = ({ folder }: Job) => join(folder, "answers.jsonl");

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

function ifThere<T>(path: string | undefined, make: (path: string) => T): T | undefined {
	return path === undefined ? undefined : make(path);
}

/** Peers that answer many prompts. */
export function manyPrompts(installed: Installed): readonly Peer[] {
	const script = (name: string, label: string, needs = name): Peer => ({
		name,
		label,
		command: ifThere(installed.npm("js", needs), () => (job) => {
			const { baseUrl, rows, inFlight } = job;
			const args = [name, baseUrl, String(rows), String(inFlight), answersIn(job)];
			return { argv: [process.execPath, join(installed.folder, "js/client.mjs"), ...args] };
		}),
		answers: answersIn,
	});
	const python = (module: string, client: string, output: (job: Job) => string) =>
		ifThere(installed.python(module), (path) => (job: Job) => {
			const args = [job.baseUrl, String(job.rows), String(job.inFlight), output(job)];
			return { argv: [path, file(client), ...args] };
		});
	return [
		{
			name: "llmx",
			label: "llmx batch, as it comes",
			command: (job) => llmxBatch(job, []),
			pacesItself: true,
			answers: answersIn,
		},
		{
			name: "llmx",
			label: "llmx batch `--concurrency`",
			command: (job) => llmxBatch(job, ["--concurrency", String(job.inFlight)]),
			answers: answersIn,
		},
		script("openai", "openai SDK + p-limit"),
		script("ai", "AI SDK + p-limit"),
		script("langchain", "LangChain JS + p-limit", "@langchain/openai"),
		{
			name: "litellm",
			label: "litellm (Python)",
			command: python("litellm", "litellm_client.py", answersIn),
			answers: answersIn,
		},
		{ name: "promptfoo", label: "promptfoo", command: promptfoo(installed), answers: answersIn },
		{
			name: "inspect",
			label: "inspect (Python)",
			command: python("inspect_ai", "inspect_client.py", ({ folder }) => folder),
		},
		script("undici", "a bare undici loop"),
	];
}

function promptfoo(installed: Installed): Peer["command"] {
	return ifThere(installed.npm("promptfoo", "promptfoo"), (main) => (job) => {
		const { baseUrl, rows, inFlight, folder, home } = job;
		const config = join(folder, "config.json");
		const provider = { id: "openai:chat:m", config: { apiBaseUrl: baseUrl, apiKey: "sk-bench" } };
		const tests = Array.from({ length: rows }, (_, row) => ({ vars: { row: String(row) } }));
		writeFileSync(config, JSON.stringify({ providers: [provider], prompts: [promptOf("{{row}}")], tests }));
		const { bin } = JSON.parse(readFileSync(join(main, "package.json"), "utf8")) as {
			bin: Record<string, string>;
		};
		const program = join(main, bin.promptfoo as string);
		const flags = ["--no-cache", "--no-table", "--no-progress-bar", "-j", String(inFlight)];
		return {
			argv: [process.execPath, program, "eval", "-c", config, ...flags, "-o", answersIn(job)],
			env: {
				PROMPTFOO_CONFIG_DIR: home,
				PROMPTFOO_DISABLE_TELEMETRY: "1",
				PROMPTFOO_DISABLE_UPDATE: "1",
			},
		};
	});
}

/** Peers that answer a prompt given on the command line. */
export function onePrompt(installed: Installed): readonly Peer[] {
	const configured = (
		name: string,
		label: string,
		path: string | undefined,
		command: (job: Job, path: string) => Command,
	): Peer => ({
		name,
		label,
		command: ifThere(path, (there) => (job) => command(job, there)),
	});
	return [
		{
			name: "llmx",
			label: "llmx ask",
			command: (job) => llmxCommand(job, ["ask", "-m", "local/m", "--no-cache", promptOf(0)]),
		},
		configured("llm", "llm (Python)", installed.program("llm"), ({ baseUrl, home }, path) => {
			const model = { model_id: "m", model_name: "m", api_base: baseUrl };
			write(home, "extra-openai-models.yaml", JSON.stringify([model]));
			return {
				argv: [path, "-m", "m", "--key", "sk-bench", "--no-log", promptOf(0)],
				env: { LLM_USER_PATH: home },
			};
		}),
		configured("aichat", "aichat (Rust)", installed.program("aichat"), ({ baseUrl, home }, path) => {
			const client = { type: "openai-compatible", name: "bench", api_base: baseUrl, api_key: "sk-bench" };
			const clients = [{ ...client, models: [{ name: "m" }] }];
			write(home, "config.yaml", JSON.stringify({ model: "bench:m", clients }));
			return { argv: [path, promptOf(0)], env: { AICHAT_CONFIG_DIR: home } };
		}),
		configured("mods", "mods (Go)", installed.program("mods"), ({ baseUrl, home }, path) => {
			const api = { "base-url": baseUrl, "api-key": "sk-bench", models: { m: { "max-input-chars": 9_999 } } };
			write(join(home, "mods"), "mods.yml", JSON.stringify({ apis: { bench: api } }));
			return {
				argv: [path, "--api", "bench", "--model", "m", "--quiet", "--no-cache", promptOf(0)],
				env: { XDG_CONFIG_HOME: home },
			};
		}),
	];
}

function write(folder: string, name: string, text: string): void {
	mkdirSync(folder, { recursive: true });
	writeFileSync(join(folder, name), text);
}
