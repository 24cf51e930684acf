import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import common from "./vitest.config.ts";

const dist = fileURLToPath(new URL("dist/", import.meta.url));

/**
 * The tests that use the command line and the library as others do, with what was built in the place of the source: what
 * ships is what meets the transcripts and the faults. `npm run test:built`.
 */
export default defineConfig({
	test: {
		...common.test,
		include: [
			"test/{ask,cli,data,faults,llm}/**/*.test.ts",
			"test/chat/golden.test.ts",
			"test/jobs/{creation,cycle,faults,library,retention,underway}.test.ts",
			"test/laws/sums-of-money.test.ts",
		],
		exclude: [
			// They look into modules of the source, hand those what they take from the public face, or replace what Node's
			// modules export, which what was built has taken already.
			"test/ask/{coalesce,cost-law,shared-parameters}.test.ts",
			"test/cli/{answers,broken-disk,prompt-input,process-output,settings}.test.ts",
			"test/llm/{outcome-queue,streamed-ask}.test.ts",
		],
		// As tests name them; what they import besides is still the source.
		alias: [
			{ find: /^(?:\.\.\/)+src\/cli\/main\.ts$/, replacement: `${dist}main.cjs` },
			{
				find: /^(?:\.\.\/)+src\/(?:index|llm|errors|conversation|multi)\.ts$/,
				replacement: `${dist}index.js`,
			},
		],
		server: { deps: { external: [/\/dist\//] } },
	},
});
