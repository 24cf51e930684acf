import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { createSecureServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { ownCodeCache, runProgram } from "../helpers/program.ts";
import { setup, temporaryFolder } from "../llm/harness.ts";

const dist = fileURLToPath(new URL("../../dist", import.meta.url));
const certificate = fileURLToPath(new URL("../fixtures/tls/loopback.crt", import.meta.url));

describe("the bundle", () => {
	it("has few files on the way to a request, for each costs 0.2 ms of start-up", async () => {
		const { env } = await setup();
		expect(
			(
				await runProgram(["ask", "-m", "openai/echo", "--no-cache", "hi"], {
					env: { ...env, ...ownCodeCache },
				})
			).code,
		).toBe(0);
		const [folder = ""] = readdirSync(join(env.LLMX_HOME, "compile"));
		expect(readdirSync(join(env.LLMX_HOME, "compile", folder)).length).toBeLessThanOrEqual(8);
	});

	it("calls every class and error by its own name", async () => {
		const library: Record<string, unknown> = await import(/* @vite-ignore */ join(dist, "index.js"));
		const classes = Object.entries(library).filter(([name]) => /^[A-Z]/.test(name));
		expect(classes.length).toBeGreaterThan(10);
		for (const [name, value] of classes) expect((value as { name: string }).name).toBe(name);
		const { UsageError } = library as { UsageError: typeof Error };
		expect(new UsageError("x").name).toBe("UsageError");
	});

	it("shows lines where an error is not caught, not a chunk", async () => {
		const script = `const { LLM } = await import(${JSON.stringify(join(dist, "index.js"))}); new LLM("nobody/x");`;
		const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
			encoding: "utf8",
			env: { ...process.env, LLMX_HOME: temporaryFolder() },
		});
		expect(status).toBe(1);
		expect(stderr).toContain("NoRouteError: ");
		expect(Math.max(...stderr.split("\n").map((line) => line.length))).toBeLessThan(1_000);
	});

	it("shows lines where the command line fails, and in which chunk", async () => {
		const script = `(await import(${JSON.stringify(join(dist, "main.cjs"))})).main(undefined, {})`;
		const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
			encoding: "utf8",
			env: { ...process.env, LLMX_HOME: temporaryFolder() },
		});
		expect(status).toBe(1);
		expect(stderr).toMatch(/dist\/cli\/main-\w+\.cjs:\d+\n/);
		expect(stderr).toMatch(/TypeError: .*'includes'.*\n +at Object\.main \(/);
		expect(Math.max(...stderr.split("\n").map((line) => line.length))).toBeLessThan(1_000);
	});

	it("speaks HTTP/2 to a provider that offers it, although the code for it is loaded late", async () => {
		const versions: string[] = [];
		const keys = { cert: readFileSync(certificate), key: readFileSync(certificate.replace(/crt$/, "key")) };
		const server = createSecureServer({ ...keys, allowHTTP1: true }, (request, response) => {
			versions.push(request.httpVersion);
			const message = { role: "assistant", content: "hello" };
			response.setHeader("content-type", "application/json");
			response.end(JSON.stringify({ choices: [{ message, finish_reason: "stop" }] }));
		});
		await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
		onTestFinished(() => void server.close());
		const env = {
			LLMX_HOME: temporaryFolder(),
			NODE_EXTRA_CA_CERTS: certificate,
			OPENAI_API_KEY: "sk-test",
			OPENAI_BASE_URL: `https://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
		};
		const result = await runProgram(["ask", "-m", "gpt-4.1-mini", "--no-stream", "hi"], { env });
		expect(result).toMatchObject({ code: 0, out: "hello\n" });
		expect(versions).toEqual(["2.0"]);
	});
});
