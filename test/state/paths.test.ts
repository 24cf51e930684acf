import { describe, expect, it } from "vitest";
import { resolvePaths } from "../../src/state/paths.ts";

describe("resolvePaths", () => {
	it("puts everything under LLMX_HOME when it is set", () => {
		const paths = resolvePaths({ LLMX_HOME: "/srv/llmx", XDG_CONFIG_HOME: "/elsewhere" }, "linux");
		for (const path of Object.values(paths)) expect(path).toMatch(/^\/srv\/llmx/);
		expect(paths.config).toBe("/srv/llmx/config.json");
		expect(paths.compileCache).toBe("/srv/llmx/compile");
	});

	it("follows the XDG base directories otherwise", () => {
		const paths = resolvePaths({ HOME: "/home/ada", XDG_STATE_HOME: "/var/ada" }, "linux");
		expect(paths.config).toBe("/home/ada/.config/llmx/config.json");
		expect(paths.keys).toBe("/home/ada/.config/llmx/keys.json");
		expect(paths.ledger).toBe("/var/ada/llmx/ledger.jsonl");
		expect(paths.cache).toBe("/home/ada/.cache/llmx/responses.sqlite");
	});

	it("ignores a relative XDG directory", () => {
		const paths = resolvePaths({ HOME: "/home/ada", XDG_CACHE_HOME: "tmp" }, "linux");
		expect(paths.cacheFolder).toBe("/home/ada/.cache/llmx");
	});

	it("keeps compiled code with everything else on Windows", () => {
		const env = {
			USERPROFILE: "/users/ada",
			APPDATA: "/users/ada/roaming",
			LOCALAPPDATA: "/users/ada/local",
		};
		const paths = resolvePaths(env, "win32");
		expect(paths.config).toBe("/users/ada/roaming/llmx/config.json");
		expect(paths.ledger).toBe("/users/ada/local/llmx/ledger.jsonl");
		expect(paths.compileCache).toBe("/users/ada/local/llmx/cache/compile");
		expect(resolvePaths({ USERPROFILE: "/users/ada" }, "win32").compileCache).toBe(
			"/users/ada/AppData/Local/llmx/cache/compile",
		);
	});
});
