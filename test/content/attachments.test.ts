import { createServer, type IncomingHttpHeaders, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { attachmentFromUrl, attachmentPart } from "../../src/content/attachments.ts";
import { maxFileBytes } from "../../src/content/bounded-read.ts";

const png = Buffer.from("89504e470d0a1a0a0000000d49484452", "hex");
const pdf = Buffer.from("%PDF-1.7\nhello");
const wav = Buffer.from("RIFF\x24\0\0\0WAVEfmt ", "latin1");

const cleanups: (() => void)[] = [];
afterEach(() => {
	for (const cleanup of cleanups.splice(0)) cleanup();
});

/** A web server on loopback; returns its origin. */
async function serve(listener: RequestListener): Promise<string> {
	const server = createServer(listener);
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	cleanups.push(() => {
		server.close();
		server.closeAllConnections();
	});
	return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function serveBytes(bytes: Uint8Array, seen: IncomingHttpHeaders[] = []): Promise<string> {
	return serve((request, response) => {
		seen.push(request.headers);
		response.end(bytes);
	});
}

describe("what a file is", () => {
	it.each([
		["image/png", png],
		["image/jpeg", Buffer.from("ffd8ffe0", "hex")],
		["image/gif", Buffer.from("GIF89a")],
		["image/webp", Buffer.from("RIFF\0\0\0\0WEBP", "latin1")],
		["audio/wav", wav],
		["audio/mpeg", Buffer.from("ID3")],
		["audio/mpeg", Buffer.from("fffb9064", "hex")],
		["audio/flac", Buffer.from("fLaC")],
		["audio/ogg", Buffer.from("OggS")],
		["audio/mp4", Buffer.from("\0\0\0\x1cftypM4A ", "latin1")],
	])("is read from its bytes, whatever its name: %s", (mediaType, bytes) => {
		const [type] = mediaType.split("/");
		const data = bytes.toString("base64");
		expect(attachmentPart("misnamed.txt", bytes)).toEqual({ type, mediaType, data });
	});

	it("is a PDF with its name", () => {
		expect(attachmentPart("some/where/report.pdf", pdf)).toEqual({
			type: "file",
			mediaType: "application/pdf",
			data: pdf.toString("base64"),
			filename: "report.pdf",
		});
	});

	it("is refused where no model takes it, or where it is too large", () => {
		expect(() => attachmentPart("notes.txt", Buffer.from("hello"))).toThrow(
			"notes.txt is not a supported file type",
		);
		expect(() => attachmentPart("empty.png", Buffer.alloc(0))).toThrow("is not a supported file type");
		expect(() => attachmentPart("big.png", Buffer.alloc(maxFileBytes + 1))).toThrow(
			"big.png is larger than 32 MiB",
		);
	});
});

describe("an address on the web", () => {
	it("of an image is left to a provider that fetches images itself, and nothing is downloaded", async () => {
		const url = "http://192.0.2.1/photo.JPG?size=2";
		expect(await attachmentFromUrl(url, { passImagesOn: true })).toEqual({ type: "image", url });
	});

	it("of an image is downloaded for the others", async () => {
		const origin = await serveBytes(png);
		expect(await attachmentFromUrl(`${origin}/photo.png`)).toEqual({
			type: "image",
			mediaType: "image/png",
			data: png.toString("base64"),
		});
	});

	it("of a PDF or sound is always downloaded, and so is what does not look like an image", async () => {
		const passImagesOn = { passImagesOn: true };
		const file = await attachmentFromUrl(`${await serveBytes(pdf)}/papers/report.pdf?x=1`, passImagesOn);
		expect(file).toMatchObject({ type: "file", mediaType: "application/pdf", filename: "report.pdf" });
		expect(await attachmentFromUrl(`${await serveBytes(wav)}/a`, passImagesOn)).toMatchObject({
			type: "audio",
		});
		expect(await attachmentFromUrl(`${await serveBytes(png)}/image?id=7`, passImagesOn)).toMatchObject({
			type: "image",
			mediaType: "image/png",
		});
	});

	it("sees nothing but the request for it", async () => {
		const seen: IncomingHttpHeaders[] = [];
		const origin = await serveBytes(png, seen);
		await attachmentFromUrl(`${origin}/a.png`);
		expect(Object.keys(seen[0] ?? {}).toSorted()).toEqual(["accept", "connection", "host", "user-agent"]);
	});

	it("may lead to another on the same host in silence, and to another host not without saying so", async () => {
		const target = await serveBytes(png);
		const origin = await serve((request, response) => {
			const location = request.url?.startsWith("/first") ? "/second" : `${target}/photo`;
			response.writeHead(302, { location }).end("moved");
		});
		const notes: string[] = [];
		const part = await attachmentFromUrl(`${origin}/first?token=secret`, {
			onNote: (note) => notes.push(note),
		});
		expect(part).toMatchObject({ type: "image", mediaType: "image/png" });
		expect(notes).toEqual([`${origin}/second is a redirect to ${new URL(target).host}`]);
	});

	it("out there that leads into a private network is not followed", async () => {
		const inside = await serveBytes(png);
		const out = await serve((_request, response) => void response.writeHead(302, { location: inside }).end());
		// Two names of this machine, one of which is taken for a public server.
		const start = out.replace("127.0.0.1", "localhost");
		const resolve = async (host: string) => [host === "localhost" ? "8.8.8.8" : "127.0.0.1"];
		await expect(attachmentFromUrl(start, { resolve })).rejects.toMatchObject({
			message: `${start}/ leads to ${new URL(inside).host} in a private network, which is not followed`,
			exitCode: 2,
		});
		expect(await attachmentFromUrl(out)).toMatchObject({ type: "image" });
	});

	it("that leads in a circle is given up", async () => {
		const origin = await serve((_request, response) => void response.writeHead(301, { location: "/" }).end());
		await expect(attachmentFromUrl(origin)).rejects.toMatchObject({
			message: `cannot download ${origin}/: more than 5 redirects`,
			exitCode: 2,
		});
	});

	it.each([
		[404, 2],
		[403, 2],
		[503, 5],
		[304, 2],
	])("answered with %i cannot be attached", async (status, exitCode) => {
		const origin = await serve((_request, response) => void response.writeHead(status).end("sorry"));
		await expect(attachmentFromUrl(`${origin}/a.png?token=secret`)).rejects.toMatchObject({
			message: `cannot download ${origin}/a.png: the server answers ${status}`,
			exitCode,
		});
	});

	it("of a page or of nothing is no attachment", async () => {
		const origin = await serveBytes(Buffer.from("<!doctype html><p>Log in"));
		await expect(attachmentFromUrl(`${origin}/a.png`)).rejects.toMatchObject({
			message: `${origin}/a.png is not a supported file type`,
			exitCode: 2,
		});
		await expect(attachmentFromUrl(await serveBytes(Buffer.alloc(0)))).rejects.toMatchObject({ exitCode: 2 });
	});

	it("of a file over 32 MiB is given up on the way", async () => {
		let sent = 0;
		const origin = await serve((_request, response) => {
			const chunk = Buffer.alloc(1 << 20, 1);
			const push = () => {
				while (!response.destroyed && sent < 200) {
					sent += 1;
					if (!response.write(chunk)) return void response.once("drain", push);
				}
				response.end();
			};
			push();
		});
		await expect(attachmentFromUrl(`${origin}/a.png`)).rejects.toMatchObject({
			message: `${origin}/a.png is larger than 32 MiB`,
			exitCode: 2,
		});
		expect(sent).toBeLessThan(200);
	});

	it("cut on the way is not taken for whole", async () => {
		const origin = await serve((_request, response) => {
			response.writeHead(200, { "content-length": "1000" });
			response.write(png, () => response.destroy());
		});
		await expect(attachmentFromUrl(origin)).rejects.toMatchObject({
			message: `cannot download ${origin}/: ${origin} cut the answer off before its end`,
			exitCode: 5,
		});
	});

	it("where nobody listens, or nobody answers in time, is a failure of the network", async () => {
		const gone = await serve(() => {});
		for (const cleanup of cleanups.splice(0)) cleanup();
		await expect(attachmentFromUrl(gone)).rejects.toMatchObject({
			message: `cannot download ${gone}/: no server at ${gone}: connection refused`,
			exitCode: 5,
		});
		const silent = await serve(() => {});
		await expect(attachmentFromUrl(silent, { timeoutMs: 50 })).rejects.toMatchObject({ exitCode: 5 });
	});

	it("is let go of when the caller stops", async () => {
		const controller = new AbortController();
		const origin = await serve(() => controller.abort());
		await expect(attachmentFromUrl(origin, { signal: controller.signal })).rejects.toMatchObject({
			name: "AbortedError",
			exitCode: 130,
		});
	});

	it.each([
		["ftp://host/a.png", "is not an http(s) URL"],
		["https://", "is not an http(s) URL"],
		["https://ada:secret@192.0.2.1/a.png", "https://192.0.2.1/a.png: URLs with a user name or password"],
	])("is refused: %s", async (address, message) => {
		await expect(attachmentFromUrl(address)).rejects.toThrow(message);
	});
});
