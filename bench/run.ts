/**
 * Runs benches one after another, each in a process of its own: those named (`npm run bench startup ledger`), or all
 * but `peers`.
 * Exits with 1 when one of them fails.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import build from "../test/helpers/build.ts";

const benches: Readonly<Record<string, string>> = {
	startup: "from the command to its request, against bare Node",
	throughput: "requests per second, against bare undici and the openai SDK",
	"rate-control": "a provider's limits kept full without refusals, against others",
	twins: "servers in real time, against what the virtual clock promises of them",
	batch: "from file to file, against bare undici",
	scale: "several servers behind one process, and several processes",
	memory: "a million rows in flat memory",
	ledger: "the cost of a million calls summed up, against reading them",
	chat: "the chat screen: frames, echo of a key, first prompt",
	peers: "beside those other clients and tools that node bench/peers.ts --install has installed",
};

/** Without other clients it shows nothing. */
const onlyByName = new Set(["peers"]);

const named = process.argv.slice(2);
const unknown = named.filter((name) => !Object.hasOwn(benches, name));
if (unknown.length > 0) {
	console.error(`no bench is called ${unknown.join(", ")}; there are ${Object.keys(benches).join(", ")}`);
	process.exitCode = 2;
} else {
	build();
	const failed: string[] = [];
	const all = Object.keys(benches).filter((name) => !onlyByName.has(name));
	for (const name of named.length > 0 ? named : all) {
		console.log(`\n== ${name}: ${benches[name]}\n`);
		const file = fileURLToPath(new URL(`${name}.ts`, import.meta.url));
		const { status } = spawnSync(process.execPath, [file], { stdio: "inherit" });
		if (status !== 0) failed.push(name);
	}
	if (failed.length > 0) {
		console.error(`\nfailed: ${failed.join(", ")}`);
		process.exitCode = 1;
	}
}
