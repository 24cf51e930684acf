import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterTest } from "./cleanup.ts";
import { freePort } from "./free-port.ts";
import { describeWith } from "./skipping.ts";

/** Whether a command can be run. */
export function isInstalled(command: string, versionFlag: string): boolean {
	try {
		execFileSync(command, [versionFlag], { stdio: "ignore" });
		return true;
	} catch {
		return false;
	}
}

/** A suite that needs a Redis. Each test has one of its own, and waits most of the time: they run at once. */
export const describeWithRedis = describeWith(
	isInstalled("redis-server", "--version"),
	"there is no redis-server",
	{ concurrent: true },
);

/** A Redis server of a test's own, on a port and in a folder of its own. */
export interface TestRedis {
	readonly port: number;
	readonly url: string;
	readonly folder: string;
	/** For looking at what is in it, and for doing what an administrator does. */
	readonly client: Redis;
	signal(signal: NodeJS.Signals): void;
	/** Kills it with SIGKILL. */
	kill(): Promise<void>;
	/** Starts it again on the same port, with what it has on the disk. */
	start(): Promise<void>;
}

/** Starts a Redis that keeps all it acknowledges, unless `options` say otherwise, which are as on its command line. */
export async function startRedis(options: readonly string[] = ["--appendonly", "yes"]): Promise<TestRedis> {
	const folder = mkdtempSync(join(tmpdir(), "llmx-redis-"));
	const port = await freePort();
	let child: ChildProcess | undefined;
	const start = async () => {
		const address = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, "--save", ""];
		child = spawn("redis-server", [...address, "--logfile", join(folder, "log"), ...options], {
			stdio: "ignore",
		});
		await client.ping();
	};
	const kill = async () => {
		const running = child;
		child = undefined;
		if (running === undefined || running.exitCode !== null) return;
		const ended = new Promise((resolve) => running.once("exit", resolve));
		running.kill("SIGKILL");
		await ended;
	};
	// Waits for as long as it takes until the server is there.
	const client = new Redis({
		host: "127.0.0.1",
		port,
		password: options[options.indexOf("--requirepass") + 1 || options.length],
		retryStrategy: () => 20,
		maxRetriesPerRequest: null,
		lazyConnect: true,
	});
	client.on("error", () => {});
	afterTest(async () => {
		client.disconnect();
		await kill();
		rmSync(folder, { recursive: true, force: true });
	});
	await start();
	return {
		port,
		url: `redis://127.0.0.1:${port}`,
		folder,
		client,
		signal: (signal) => void child?.kill(signal),
		kill,
		start,
	};
}
