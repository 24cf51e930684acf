import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { main } from "../../src/cli/main.ts";
import { createTestIo } from "../helpers/io.ts";
import { setup, temporaryFolder } from "../llm/harness.ts";

const png = Buffer.from("89504e470d0a1a0a0000000d49484452", "hex");
const pdf = Buffer.from("%PDF-1.7\nhello");

const cleanups: (() => void)[] = [];
afterEach(() => {
	for (const cleanup of cleanups.splice(0)) cleanup();
});

/** A web server that holds a picture, a paper and a page, and counts what it is asked for. */
async function site(): Promise<{ origin: string; visits: string[] }> {
	const visits: string[] = [];
	const server = createServer((request, response) => {
		visits.push(request.url ?? "");
		response.end({ "/photo.png": png, "/paper.pdf": pdf }[request.url ?? ""] ?? "<!doctype html>");
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	cleanups.push(() => {
		server.close();
		server.closeAllConnections();
	});
	return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, visits };
}

async function ask(argv: readonly string[], env: Record<string, string>, cwd = temporaryFolder()) {
	const io = createTestIo({ env, cwd });
	const exitCode = await main(["ask", "what is it?", ...argv], io);
	return { exitCode, out: io.out(), err: io.err() };
}

it("leaves an image's address to a provider that fetches images", async () => {
	const { env, simulator } = await setup();
	const { origin, visits } = await site();
	const { exitCode } = await ask(["-m", "openai/echo", "-a", `${origin}/photo.png`], env);
	expect([exitCode, visits]).toEqual([0, []]);
	expect(simulator.requests[0]?.body.messages).toEqual([
		{
			role: "user",
			content: [
				{ type: "image_url", image_url: { url: `${origin}/photo.png` } },
				{ type: "text", text: "what is it?" },
			],
		},
	]);
});

it("downloads it for one that does not, once for all models", async () => {
	const { env, simulator } = await setup();
	const { origin, visits } = await site();
	const models = ["-m", "openai/echo", "-m", "gemini/echo"];
	const { exitCode } = await ask([...models, "-a", `${origin}/photo.png`], env);
	expect([exitCode, visits]).toEqual([0, ["/photo.png"]]);
	const data = png.toString("base64");
	const bodies = Object.fromEntries(simulator.requests.map(({ wire, body }) => [wire, body]));
	expect(bodies.gemini?.contents).toEqual([
		{ role: "user", parts: [{ inlineData: { mimeType: "image/png", data } }, { text: "what is it?" }] },
	]);
	expect(JSON.stringify(bodies.openai?.messages)).toContain(`data:image/png;base64,${data}`);
});

it("downloads a PDF, and reads files relative to the working folder", async () => {
	const { env, simulator } = await setup();
	const { origin } = await site();
	const folder = temporaryFolder();
	writeFileSync(join(folder, "local.png"), png);
	const { exitCode } = await ask(
		["-m", "anthropic/echo", "-a", `${origin}/paper.pdf`, "-a", "local.png"],
		env,
		folder,
	);
	expect(exitCode).toBe(0);
	expect(simulator.requests[0]?.body.messages).toMatchObject([
		{
			content: [
				{ type: "document", title: "paper.pdf", source: { type: "base64", data: pdf.toString("base64") } },
				{ type: "image", source: { type: "base64", media_type: "image/png" } },
				{ type: "text", text: "what is it?" },
			],
		},
	]);
});

it("says what is wrong with an address, and asks nobody", async () => {
	const { env, simulator } = await setup();
	const { origin } = await site();
	expect(await ask(["-m", "openai/echo", "-a", `${origin}/page`], env)).toEqual({
		exitCode: 2,
		out: "",
		err: `llmx: ${origin}/page is not a supported file type\n  supported: PNG, JPEG, GIF, WebP, PDF, WAV, MP3, FLAC, Ogg, M4A; add text files with -f\n`,
	});
	expect(simulator.stats.requests).toBe(0);
});

it("is the same in the chat", async () => {
	const { env, simulator } = await setup();
	const { origin, visits } = await site();
	const stdin = `/attach ${origin}/photo.png\n/attach ${origin}/paper.pdf\nwhat are they?\n`;
	const io = createTestIo({ env, cwd: temporaryFolder(), stdin });
	expect(await main(["chat", "gemini/echo"], io)).toBe(0);
	expect(visits).toEqual(["/photo.png", "/paper.pdf"]);
	expect(simulator.requests[0]?.body.contents).toEqual([
		{
			role: "user",
			parts: [
				{ inlineData: { mimeType: "image/png", data: png.toString("base64") } },
				{ inlineData: { mimeType: "application/pdf", data: pdf.toString("base64") } },
				{ text: "what are they?" },
			],
		},
	]);
});
