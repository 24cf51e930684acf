/**
 * Runs the built program against the simulator and three servers that other people wrote, over every wire each of them
 * serves. Not part of `npm test`: it installs the three from npm into a temporary folder (about 150 MB).
 *
 *     npm run build && npm run check:peers
 */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
	goodKey,
	installPeers,
	missingModel,
	type Peer,
	type PeerWire,
	placeWord,
	startAimock,
	startMockLlm,
	startOwn,
	startPortkey,
	wrongKey,
} from "./peers.ts";

const program = fileURLToPath(new URL("../../bin/llmx.js", import.meta.url));
const question = "hello from llmx";
const rows = 200;

interface Ran {
	readonly code: number | null;
	readonly out: string;
	readonly err: string;
}

/** One peer as a provider of one's own. */
class Visit {
	readonly #home: string;
	readonly #key: string;

	constructor(folder: string, peer: Peer, wire: PeerWire, key = goodKey) {
		this.#home = mkdtempSync(join(folder, "home-"));
		this.#key = key;
		const isOpenAi = wire === "openai" || wire === "responses";
		const definition = {
			base_url: isOpenAi ? `${peer.origin}/v1` : peer.origin,
			key_env: "PEER_KEY",
			wire,
			headers: peer.headers,
		};
		mkdirSync(join(this.#home, "files"));
		writeFileSync(join(this.#home, "config.json"), JSON.stringify({ providers: { peer: definition } }));
	}

	path(name: string): string {
		return join(this.#home, "files", name);
	}

	run(args: readonly string[], input = ""): Promise<Ran> {
		const env = { ...process.env, LLMX_HOME: this.#home, PEER_KEY: this.#key, NO_COLOR: "1" };
		const child = spawn(process.execPath, [program, ...args], { env, cwd: this.#home });
		let [out, err] = ["", ""];
		child.stdout.on("data", (chunk) => {
			out += chunk;
		});
		child.stderr.on("data", (chunk) => {
			err += chunk;
		});
		child.stdin.end(input);
		return new Promise((resolve) => child.on("close", (code) => resolve({ code, out, err })));
	}
}

/** What went wrong, or undefined. */
type Check = (visit: Visit) => Promise<string | undefined>;

const model = ["-m", "peer/echo"];
const schema =
	'{"type":"object","properties":{"city":{"type":"string"}},"required":["city"],"additionalProperties":false}';

function problem(isRight: boolean, { code, out, err }: Ran): string | undefined {
	return isRight ? undefined : `exit ${code}: ${out.slice(0, 200)} ${err.slice(0, 300)}`.trim();
}

const checks: Readonly<Record<string, Check>> = {
	async ask(visit) {
		const ran = await visit.run(["ask", ...model, "--no-stream", "--json", question]);
		return problem(ran.code === 0 && JSON.parse(ran.out).text === question, ran);
	},
	async stream(visit) {
		const ran = await visit.run(["ask", ...model, "--no-cache", question]);
		return problem(ran.code === 0 && ran.out.trim() === question, ran);
	},
	async chat(visit) {
		const ran = await visit.run(["chat", ...model, "--plain"], `${question}\nand again\n`);
		return problem(ran.code === 0 && ran.out.includes(question) && ran.out.includes("and again"), ran);
	},
	async batch(visit) {
		const prompts = Array.from({ length: rows }, (_, row) =>
			JSON.stringify({ id: `r${row}`, prompt: `row ${row}` }),
		);
		writeFileSync(visit.path("rows.jsonl"), `${prompts.join("\n")}\n`);
		const ran = await visit.run([
			"batch",
			visit.path("rows.jsonl"),
			...model,
			"--yes",
			"-o",
			visit.path("out.jsonl"),
		]);
		if (ran.code !== 0) return problem(false, ran);
		const answers = readFileSync(visit.path("out.jsonl"), "utf8")
			.trimEnd()
			.split("\n")
			.map((line) => JSON.parse(line));
		const isWhole = answers.length === rows && answers.every(({ text }, row) => text === `row ${row}`);
		return problem(isWhole, ran);
	},
	async "--schema"(visit) {
		const ran = await visit.run(["ask", ...model, "--schema", schema, placeWord]);
		return problem(ran.code === 0 && typeof JSON.parse(ran.out).city === "string", ran);
	},
	async "-n 3"(visit) {
		const ran = await visit.run(["ask", ...model, "-n", "3", "--json", question]);
		return problem(ran.code === 0 && JSON.parse(ran.out).texts?.length === 3, ran);
	},
	async "wrong model"(visit) {
		const ran = await visit.run(["ask", "-m", `peer/${missingModel}`, question]);
		return problem(ran.code === 1 && /404|not exist|not found/i.test(ran.err), ran);
	},
};

async function wrongKeyCheck(visit: Visit): Promise<string | undefined> {
	const ran = await visit.run(["ask", ...model, "--no-cache", question]);
	return problem(ran.code === 4 && !ran.err.includes(wrongKey), ran);
}

async function main(): Promise<void> {
	const folder = mkdtempSync(join(tmpdir(), "llmx-peers-"));
	const peers: Peer[] = [];
	const say = (cells: readonly string[]) => console.log(cells.map((cell) => cell.padEnd(13)).join(""));
	try {
		installPeers(folder);
		const own = await startOwn();
		peers.push(own);
		peers.push(await startAimock(folder), await startMockLlm(folder), await startPortkey(folder, own));
		for (const peer of peers) {
			for (const wire of peer.wires) {
				const visit = new Visit(folder, peer, wire);
				const found = new Map<string, string | undefined>();
				for (const [name, check] of Object.entries(checks)) found.set(name, await check(visit));
				if (peer.checksKeys)
					found.set("wrong key", await wrongKeyCheck(new Visit(folder, peer, wire, wrongKey)));
				for (const [name, trouble] of found) say([peer.name, wire, name, trouble ?? "ok"]);
				if ([...found.values()].some((trouble) => trouble !== undefined)) process.exitCode = 1;
			}
		}
	} finally {
		for (const peer of peers) await peer.stop();
		rmSync(folder, { recursive: true, force: true });
	}
}

await main();
