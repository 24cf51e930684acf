import { defineConfig } from "vitest/config";

/** Long runs that prove what short ones can only suggest; `npm run test:soak`. */
export default defineConfig({
	test: {
		include: ["test/soak/**/*.test.ts"],
		setupFiles: ["test/helpers/setup.ts"],
		globalSetup: ["test/helpers/build.ts", "test/helpers/memory-disk.ts"],
		fileParallelism: false,
		testTimeout: 600_000,
	},
});
