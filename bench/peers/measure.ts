import { type ChildProcess, fork, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Job, Peer } from "./peers.ts";

const file = (name: string) => fileURLToPath(new URL(name, import.meta.url));

export interface Measured {
	readonly seconds: number;
	/** From the start to the first request at the server. */
	readonly firstRequestMs: number;
	readonly cpuMs: number;
	readonly megabytes: number;
}

export interface Load {
	readonly latencyMs: number;
	readonly rows: number;
	readonly inFlight: number;
}

/** One server on loopback, and peers that are run against it as processes of their own. */
export class Arena {
	readonly #work = mkdtempSync(join(tmpdir(), "llmx-peers-"));
	readonly #server = fork(file("server.ts"));
	#onRequest: (() => void) | undefined;
	#onAnswered: ((count: number) => void) | undefined;
	#port = 0;
	#runs = 0;

	static async open(): Promise<Arena> {
		const arena = new Arena();
		await new Promise<void>((resolve) => {
			arena.#server.on("message", (message) => {
				if (message === "request") {
					arena.#onRequest?.();
					return;
				}
				if (typeof message === "object") {
					arena.#onAnswered?.((message as { answered: number }).answered);
					return;
				}
				arena.#port = message as number;
				resolve();
			});
		});
		return arena;
	}

	close(): void {
		this.#server.kill();
		rmSync(this.#work, { recursive: true, force: true });
	}

	/** Runs a peer to its end. Throws when it fails or has not answered every prompt. */
	async run(peer: Peer, load: Load): Promise<Measured> {
		const { child, job, figures, said } = this.#start(peer, load);
		let firstRequestNs: bigint | undefined;
		let requests = 0;
		this.#onRequest = () => {
			requests += 1;
			firstRequestNs ??= process.hrtime.bigint();
		};
		await ended(child);
		this.#onRequest = undefined;
		const used = JSON.parse(readFileSync(figures, "utf8")) as Record<
			"startedNs" | "endedNs" | "cpuMicroseconds" | "kilobytes",
			number
		>;
		// promptfoo ends with 100 when a test of its has no assertion that holds.
		if (requests < load.rows) throw new Error(`sent ${requests} of ${load.rows} prompts\n${said()}`);
		rmSync(job.folder, { recursive: true, force: true });
		return {
			seconds: (used.endedNs - used.startedNs) / 1e9,
			firstRequestMs: (Number(firstRequestNs) - used.startedNs) / 1e6,
			cpuMs: used.cpuMicroseconds / 1e3 / load.rows,
			megabytes: used.kilobytes / 1024,
		};
	}

	/** How many answers are on the disk when a run is killed at a third of its rows, and how many the server had given. */
	async kill(peer: Peer, load: Load): Promise<{ readonly answered: number; readonly kept: number }> {
		const before = await this.#answered();
		const { child, job } = this.#start(peer, load);
		let requests = 0;
		await new Promise<void>((resolve) => {
			this.#onRequest = () => {
				requests += 1;
				if (requests >= load.rows / 3) resolve();
			};
			child.once("exit", () => resolve());
		});
		this.#onRequest = undefined;
		const answered = (await this.#answered()) - before;
		// The group: it was started by another process, which measures it.
		process.kill(-(child.pid as number), "SIGKILL");
		await ended(child);
		const path = peer.answers?.(job) ?? "";
		const text = existsSync(path) ? readFileSync(path, "utf8") : "";
		return { answered, kept: text.split("\n").filter(Boolean).length };
	}

	/** How many requests the server has answered so far. */
	#answered(): Promise<number> {
		return new Promise((resolve) => {
			this.#onAnswered = resolve;
			this.#server.send("answered");
		});
	}

	#start(peer: Peer, { latencyMs, rows, inFlight }: Load) {
		this.#runs += 1;
		const folder = join(this.#work, `run-${this.#runs}`);
		const home = join(this.#work, `home-${peer.name}`);
		mkdirSync(folder);
		const job: Job = {
			baseUrl: `http://127.0.0.1:${this.#port}/${latencyMs}/v1`,
			rows,
			inFlight,
			folder,
			home,
		};
		if (peer.found === undefined) throw new Error(`${peer.label} is not installed`);
		const command = peer.command(job, peer.found.path);
		const figures = join(folder, "figures.json");
		const child = spawn("python3", [file("measure.py"), figures, ...command.argv], {
			cwd: this.#work,
			env: { PATH: process.env.PATH, HOME: this.#work, OPENAI_API_KEY: "sk-bench", ...command.env },
			stdio: ["ignore", "ignore", "pipe"],
			detached: true,
		});
		let stderr = "";
		child.stderr?.on("data", (data) => {
			stderr = `${stderr}${data}`.slice(-1_000);
		});
		return { child, job, figures, said: () => stderr };
	}
}

function ended(child: ChildProcess): Promise<unknown> {
	if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
	return new Promise((resolve) => child.once("exit", resolve));
}
