import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect } from "vitest";
import { itWith } from "../helpers/skipping.ts";
import { hasNamespaces, surviveHostileProcesses } from "./helpers/hostile-processes.ts";
import { readRecords, startLlmx, until } from "./helpers/process.ts";

let folder: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "llmx-namespaces-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A network of its own with a loopback, as in a container. */
const inNamespace = ["unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"];

describe("two runs on one output", () => {
	itWith(hasNamespaces, "no network namespaces without root")(
		"see each other from two network namespaces: the second exits 2 and sends nothing",
		async () => {
			writeFileSync(join(folder, "p.txt"), Array.from({ length: 8 }, (_, row) => `prompt ${row}\n`).join(""));
			const start = (home: string) => {
				const args = [
					"batch",
					"p.txt",
					"-m",
					"sim/slow",
					"--concurrency",
					"4",
					"-o",
					"r.jsonl",
					"--no-cache",
					"-q",
				];
				return startLlmx(args, folder, { LLMX_HOME: join(folder, home) }, "pipe", inNamespace);
			};
			const first = start("home-1");
			const lock = () => {
				try {
					return readFileSync(join(folder, "r.jsonl.lock"), "utf8");
				} catch {
					return "";
				}
			};
			await until(first, () => lock() !== "");
			const second = start("home-2");
			expect(await second.ended).toBe(2);
			expect(second.err()).toContain(`r.jsonl is in use by process ${first.child.pid}`);
			expect(() => readFileSync(join(folder, "home-2", "ledger.jsonl"))).toThrow("ENOENT");
			expect(await first.ended, first.err()).toBe(0);
			expect(readRecords(join(folder, "r.jsonl"))).toHaveLength(8);
		},
	);
});

describe("a batch among hostile processes", () => {
	itWith(hasNamespaces, "no network namespaces without root")(
		"ends complete and whole, and pays for nothing twice",
		() => surviveHostileProcesses(1),
	);
});
