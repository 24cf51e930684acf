import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { LongestFirst } from "./test/helpers/longest-first.ts";
import { SkippedReporter } from "./test/helpers/skipped-reporter.ts";

export default defineConfig({
	test: {
		include: ["test/**/*.test.{ts,tsx}"],
		exclude: ["test/soak/**"],
		reporters: ["default", new SkippedReporter()],
		setupFiles: ["test/helpers/setup.ts"],
		globalSetup: ["test/helpers/build.ts", "test/helpers/memory-disk.ts"],
		sequence: { shuffle: true, sequencer: LongestFirst },
		// A process for each of the hundred files costs more than most of them take. They share modules, and nothing else:
		// each has a home of its own (setup.ts) and puts back what it replaces.
		isolate: false,
		// Tests wait for sockets and processes more than they compute.
		maxWorkers: 2 * availableParallelism(),
		// A machine may be busy with other things: only what hangs runs into these.
		testTimeout: 60_000,
		hookTimeout: 60_000,
		expect: { poll: { timeout: 30_000, interval: 20 } },
	},
});
