import { mkdirSync, writeFileSync } from "node:fs";
import http, { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import * as esbuild from "esbuild";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { leanUndici } from "../../scripts/bundle/packages.ts";
import { monotonicMs } from "../../src/providers/web-globals.ts";
import { runProgram } from "../helpers/program.ts";
import { temporaryFolder } from "../llm/harness.ts";

const require = createRequire(import.meta.url);
const { tree } = require("undici/lib/core/tree.js");
const { wellknownHeaderNames } = require("undici/lib/core/constants.js");

/** Bundles one file of a package called undici. */
async function bundle(path: string, text: string): Promise<string[]> {
	const file = join(temporaryFolder(), "undici/lib", path);
	mkdirSync(dirname(file), { recursive: true });
	mkdirSync(join(dirname(file), "../dispatcher"), { recursive: true });
	writeFileSync(join(dirname(file), "../dispatcher/client-h1.js"), "constants.METHODS");
	writeFileSync(file, text);
	const build = esbuild.build({
		entryPoints: [file],
		write: false,
		logLevel: "silent",
		plugins: [leanUndici],
	});
	return build.then(
		() => [],
		({ errors }: esbuild.BuildFailure) => errors.map(({ text }) => text),
	);
}

describe("what is left out of undici", () => {
	it("says of a header's name what its lower case says", () => {
		const odd = fc.mixedCase(fc.constantFrom<string>(...wellknownHeaderNames));
		fc.assert(
			fc.property(fc.oneof(odd, fc.string()), (name) => {
				const bytes = Buffer.from(name, "latin1");
				const lower = bytes.toString("latin1").toLowerCase();
				expect(bytes.length === 0 ? lower : (tree.lookup(bytes) ?? lower)).toBe(lower);
			}),
		);
	});

	it("does not change how long headers may be, nor the flag that says so", async () => {
		expect(http.maxHeaderSize).toBe(16_384);
		const message = { role: "assistant", content: "hello" };
		const server = createServer((_, response) => {
			response.setHeader("x-long", "x".repeat(20_000));
			response.setHeader("Content-TYPE", "application/json");
			response.end(JSON.stringify({ choices: [{ message, finish_reason: "stop" }] }));
		});
		await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
		onTestFinished(() => void server.close());
		const env = {
			LLMX_HOME: temporaryFolder(),
			OPENAI_API_KEY: "sk-test",
			OPENAI_BASE_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
		};
		const argv = ["ask", "-m", "gpt-4.1-mini", "--no-stream", "hi"];
		expect((await runProgram(argv, { env })).code).not.toBe(0);
		const raised = { ...env, NODE_OPTIONS: "--max-http-header-size=32768" };
		expect(await runProgram(argv, { env: raised })).toMatchObject({ code: 0, out: "hello\n" });
	});

	it.each([
		["dispatcher/client.js", "const http = require('http')"],
		["core/util.js", "const { tree } = require('./tree')"],
		["llhttp/constants.js", "exports.TYPE = {}; exports.ERROR = {};"],
	])("fails the build when %s is another", async (path, text) => {
		expect(await bundle(path, text)).not.toEqual([]);
	});
});

describe("the bundle's clock", () => {
	it("goes as performance.now does", async () => {
		const around = () => [performance.now(), monotonicMs(), performance.now()] as const;
		const [before, start, after] = around();
		await new Promise((resolve) => setTimeout(resolve, 5));
		const [later, end, latest] = around();
		// Both count in nanoseconds, in numbers that hold fewer.
		expect(end - start).toBeGreaterThanOrEqual(later - after - 0.01);
		expect(end - start).toBeLessThanOrEqual(latest - before + 0.01);
	});
});
