import { globSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";
import common from "./vitest.config.ts";

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** What goes through the command line, the public face or the program. */
const shipped = globSync(
	[
		"test/{cli,data,faults,launch,llm}/**/*.test.ts",
		"test/{contributing,package,readme}.test.ts",
		"test/ask/{costs,generate,prompt-cache}.test.ts",
		"test/batch/{kill,namespaces,process,word-problems}.test.ts",
		"test/cache/redis-cache.test.ts",
		"test/chat/golden.test.ts",
		"test/jobs/{creation,cycle,faults,flex,kill,library,money,retention,traps,underway}.test.ts",
		"test/laws/{cost-of-answers,sums-of-money}.test.ts",
		"test/scripts/{bundle,lean-undici}.test.ts",
		"test/share/{connection,processes}.test.ts",
		"test/ui/{leaving,pty}.test.ts",
	],
	{
		cwd: path("."),
		// They test modules, or replace what modules of Node export, which what was built has taken already.
		exclude: [
			"test/cli/{broken-disk,settings}.test.ts",
			"test/cli/{answers,batch-view,budget,check-progress,claim,cost-reprice,eta,known-models}.test.ts",
			"test/cli/{live-region,other-platforms,price-age,process-output,prompt-input,text-table}.test.ts",
			"test/llm/{outcome-queue,streamed-ask}.test.ts",
		],
	},
);

const { include, exclude, ...shared } = common.test ?? {};

interface Project {
	readonly name: string;
	readonly include?: string[];
	readonly exclude?: string[];
	/** What stands in for a module, by how tests name it; a module that imports another stays with its own. */
	readonly inPlaceOf: readonly [RegExp, string][];
}

function project({ inPlaceOf, ...options }: Project): TestProjectInlineConfiguration {
	const alias = inPlaceOf.map(([find, replacement]) => ({ find, replacement: path(replacement) }));
	return { extends: true, test: { ...options, alias } };
}

const commandLine = /^(?:\.\.\/)+src\/cli\/main\.ts$/;
const publicFace = /^(?:\.\.\/)+src\/(?:index|llm|errors|conversation|multi)\.ts$/;
const anyModule = /^(?:\.\.\/)+src\/(.+)\.tsx?$/;

/**
 * The whole suite, with what was built in the place of the source: `npm run test:built`. What a test imports besides (the
 * simulator, readers of the ledger) is the source in the first two projects.
 */
export default defineConfig({
	test: {
		...shared,
		globalSetup: [shared.globalSetup ?? [], "test/helpers/build-modules.ts"].flat(),
		// Modules have their laws of random worlds run beside processes of the other projects.
		testTimeout: 240_000,
		hookTimeout: 240_000,
		server: { deps: { external: [/\/dist(?:-modules)?\//] } },
		projects: [
			// The files of the package, in the process of the test.
			project({
				name: "shipped",
				include: shipped,
				inPlaceOf: [
					[commandLine, "dist/main.cjs"],
					[publicFace, "dist/index.js"],
				],
			}),
			// The transcripts again: a process for each command, with the code cache that those before it have left.
			project({
				name: "processes",
				include: ["test/cli/{ask,batch,money}.test.ts", "test/chat/golden.test.ts"],
				inPlaceOf: [[commandLine, "test/helpers/spawned-main.ts"]],
			}),
			// Modules that neither the command line nor the public face shows, each bundled as an entry of its own.
			project({
				name: "modules",
				include: include ?? [],
				exclude: [...(exclude ?? []), ...shipped],
				inPlaceOf: [[anyModule, "dist-modules/$1.js"]],
			}),
		],
	},
});
