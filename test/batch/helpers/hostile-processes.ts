import { spawnSync } from "node:child_process";
import {
	appendFileSync,
	chmodSync,
	existsSync,
	linkSync,
	mkdtempSync,
	readFileSync,
	renameSync,
	rmSync,
	statSync,
	truncateSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { startSimulator } from "../../../src/simulator/server.ts";
import { type Running, startLlmx, until } from "./process.ts";
import { seededRandom } from "./random.ts";

const rows = 60;
const concurrency = 6;

/** Whether this process may put another into a network namespace of its own. */
export const hasNamespaces = spawnSync("unshare", ["-n", "true"]).status === 0;

interface Scene {
	readonly folder: string;
	readonly results: string;
	readonly running: Running;
	readonly random: () => number;
	readonly start: (wrapper?: readonly string[]) => Running;
	kills: number;
}

const acts: Readonly<Record<string, (scene: Scene) => Promise<void> | void>> = {
	append: ({ results }) => appendFileSync(results, "a note\n"),
	"append without a newline": ({ results }) => appendFileSync(results, "a torn note"),
	"insert a newline": ({ results, random }) => {
		const text = readFileSync(results, "utf8");
		const at = Math.floor(random() * text.length);
		writeFileSync(results, `${text.slice(0, at)}\n${text.slice(at)}`);
	},
	truncate: ({ results, random }) => truncateSync(results, Math.floor(random() * statSync(results).size)),
	remove: ({ results }) => rmSync(results),
	rename: ({ results, folder }) => renameSync(results, join(folder, "moved.jsonl")),
	"rename over": ({ results, folder }) => {
		writeFileSync(join(folder, "mine"), "somebody's own\n");
		renameSync(join(folder, "mine"), results);
	},
	link: ({ results, folder }) => linkSync(results, join(folder, "second-name.jsonl")),
	chmod: ({ results }) => chmodSync(results, 0o400),
	"remove the lock": ({ results }) => rmSync(`${results}.lock`, { force: true }),
	"remove the home": ({ folder }) => rmSync(join(folder, "home"), { recursive: true, force: true }),
	stop: async ({ running, random }) => {
		running.child.kill("SIGSTOP");
		await sleep(50 + random() * 400);
		running.child.kill("SIGCONT");
	},
	kill: async (scene) => {
		scene.running.child.kill("SIGKILL");
		if ((await scene.running.ended) === "SIGKILL") scene.kills += 1;
	},
	"second run": ({ running, start }) => mustBeRefused(start(), running),
	...(hasNamespaces && {
		"second run in another namespace": ({ running, start }) =>
			mustBeRefused(start(["unshare", "-n"]), running),
	}),
};

async function mustBeRefused(second: Running, first: Running): Promise<void> {
	const code = await second.ended;
	if (code === 2) expect(second.err()).toContain("is in use by");
	// Unless the first had all that it wanted, and was about to leave: what the second sends is counted in the end.
	else expect([code, second.err(), await first.ended]).toEqual([0, "", 0]);
}

/**
 * As `surviveHostileWorld` with real processes, files and time: in the end the results are complete and whole, and no
 * more requests were sent than there are rows, but for those that were on their way at a kill.
 */
export async function surviveHostileProcesses(seed: number): Promise<void> {
	const random = seededRandom(seed * 104_729 + 3);
	for (let warmUp = 0; warmUp < 5; warmUp += 1) random();
	const folder = mkdtempSync(join(tmpdir(), "llmx-hostile-"));
	const simulator = await startSimulator({ latency: { medianMs: 40, p95Ms: 90 } });
	const story = [`seed ${seed}`];
	let kills = 0;
	try {
		const ids = Array.from({ length: rows }, (_, index) => `row-${index}`);
		const lines = ids.map((id) => `${JSON.stringify({ id, prompt: `prompt of ${id}` })}\n`);
		writeFileSync(join(folder, "prompts.jsonl"), lines.join(""));
		const results = join(folder, "r.jsonl");
		// Without the cache, so that every row that is sent again can be counted at the server.
		const args = ["batch", "prompts.jsonl", "-m", "local/echo", "--no-cache", "-o", "r.jsonl", "-q"];
		const options = [...args, "--concurrency", String(concurrency)];
		const start = (wrapper?: readonly string[]) =>
			startLlmx(options, folder, { LOCAL_BASE_URL: `${simulator.url}/v1` }, "pipe", wrapper);
		for (let attempt = 1; ; attempt += 1) {
			expect(attempt, story.join(", ")).toBeLessThan(10);
			const running = start();
			const before = simulator.stats.answered;
			const scene: Scene = { folder, results, running, random, start, kills: 0 };
			if (attempt < 4) {
				const moment = Math.floor(random() * (rows - 20));
				await until(running, () => simulator.stats.answered - before > moment && existsSync(results));
				const [name, act] = Object.entries(acts)[Math.floor(random() * Object.keys(acts).length)] as [
					string,
					(scene: Scene) => void,
				];
				if (!running.isOver()) {
					story.push(name);
					await act(scene);
				}
			}
			const code = await running.ended;
			kills += scene.kills;
			story.push(`exit ${code}: ${running.err().replaceAll("\n", " ~ ")}`);
			if (code === 0) break;
			const [, from] = /all \d+ results are in (\S+); move it to r\.jsonl/.exec(running.err()) ?? [];
			if (from !== undefined) renameSync(join(folder, from), results);
			const text = existsSync(results) ? readFileSync(results, "utf8") : "";
			const bad = /r\.jsonl:(\d+): this line is not a result/.exec(running.err())?.[1];
			if (bad !== undefined)
				writeFileSync(
					results,
					text
						.split("\n")
						.toSpliced(Number(bad) - 1, 1)
						.join("\n"),
				);
		}
		const found = readFileSync(results, "utf8").split("\n");
		expect(found.pop(), story.join(", ")).toBe("");
		expect(
			found.map((line) => (JSON.parse(line) as { id: string }).id),
			story.join(", "),
		).toEqual(ids);
		const twice = simulator.stats.requests - rows;
		expect(twice, `${twice} sent twice: ${story.join(", ")}`).toBeLessThanOrEqual(kills * concurrency);
	} finally {
		await simulator.close();
		rmSync(folder, { recursive: true, force: true });
	}
}
