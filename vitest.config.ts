import { defineConfig } from "vitest/config";

export default defineConfig({
	test: {
		include: ["test/**/*.test.{ts,tsx}"],
		exclude: ["test/soak/**"],
		setupFiles: ["test/helpers/setup.ts"],
		globalSetup: ["test/helpers/build.ts"],
		sequence: { shuffle: true },
		testTimeout: 20_000,
	},
});
