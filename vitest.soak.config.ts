import { defineConfig } from "vitest/config";

/** The long versions of tests that `npm test` has a short one of: minutes to an hour. */
export default defineConfig({
	test: {
		include: ["test/soak/**/*.test.ts"],
		setupFiles: ["test/helpers/setup.ts"],
		globalSetup: ["test/helpers/build.ts"],
		fileParallelism: false,
		testTimeout: 3_600_000,
	},
});
