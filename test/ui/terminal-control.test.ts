import { openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { InputEvent } from "../../src/terminal/keys.ts";
import { type Terminal, TerminalControl } from "../../src/ui/terminal-control.ts";

const path = join(tmpdir(), `llmx-terminal-${process.pid}`);
let stdin: PassThrough & { raw: boolean; setRawMode(on: boolean): void; ref(): void; unref(): void };
let stdout: PassThrough & { fd: number; text: string };
let events: InputEvent[];
let gone: number;
let control: TerminalControl;

beforeEach(() => {
	stdin = Object.assign(new PassThrough(), {
		raw: false,
		setRawMode(on: boolean) {
			stdin.raw = on;
		},
		ref() {},
		unref() {},
	});
	stdout = Object.assign(new PassThrough(), { fd: openSync(path, "w+"), text: "" });
	stdout.on("data", (chunk: Buffer) => {
		stdout.text += chunk.toString();
	});
	events = [];
	gone = 0;
	control = new TerminalControl(
		{ stdin, stdout } as unknown as Terminal,
		(event) => events.push(event),
		() => {
			gone += 1;
		},
	);
});
afterEach(async () => {
	await control.release();
	rmSync(path, { force: true });
});

describe("the terminal's modes", () => {
	it("are taken once and given back", async () => {
		control.take();
		control.take();
		expect(stdin.raw).toBe(true);
		stdin.write("\x1b[?0u");
		await expect.poll(() => stdout.text).toBe("\x1b[?2004h\x1b[?1004h\x1b[?u\x1b[>5u");
		await control.release();
		expect(stdin.raw).toBe(false);
		expect(stdout.text.endsWith("\x1b[<u\x1b[?1004l\x1b[?2004l\x1b[0m\x1b[?25h")).toBe(true);
	});

	it.each(["exit", "uncaughtExceptionMonitor"] as const)("are given back at %s, without waiting", (event) => {
		const before = process.listeners(event as "exit");
		control.take();
		const added = process.listeners(event as "exit").filter((listener) => !before.includes(listener));
		expect(added).toHaveLength(1);
		added[0]?.(1);
		expect(stdin.raw).toBe(false);
		expect(readFileSync(path, "utf8")).toBe("\x1b[?1004l\x1b[?2004l\x1b[0m\x1b[?25h");
		expect(process.listeners(event as "exit")).toEqual(before);
	});

	it("make an Enter of the newline that was typed before them, however late it is read", async () => {
		stdin.write("early\n");
		control.take();
		await expect.poll(() => events.length).toBe(2);
		stdin.write("\n");
		await expect.poll(() => events.length).toBe(3);
		const keys = events.map((event) => (event.type === "key" ? event.key.name : event.type));
		expect(keys).toEqual(["text", "enter", "j"]);
	});

	it("do not leak replies that come late: they are read and dropped", async () => {
		control.take();
		const released = control.release();
		stdin.write("\x1b[?0u typed too late");
		await released;
		expect(events).toEqual([]);
		expect(stdin.read()).toBeNull();
	});

	it("an end of the input, or an error of either stream, means that the terminal is gone", async () => {
		control.take();
		stdout.emit("error", new Error("EIO"));
		stdin.end();
		await expect.poll(() => gone).toBe(2);
	});

	it("turn bytes into keys, characters split over chunks included", async () => {
		control.take();
		const bytes = Buffer.from("世\x1b[A");
		stdin.write(bytes.subarray(0, 2));
		stdin.write(bytes.subarray(2));
		await expect.poll(() => events.length).toBe(2);
		expect(events).toMatchObject([
			{ type: "text", text: "世" },
			{ type: "key", key: { name: "up" } },
		]);
		stdin.write("\x1b");
		await expect.poll(() => events.length).toBe(3);
		expect(events[2]).toMatchObject({ type: "key", key: { name: "escape" } });
	});
});
