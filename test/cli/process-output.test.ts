import { spawnSync } from "node:child_process";
import { closeSync, constants, existsSync, openSync, readFileSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import { isTerminal, processOutput } from "../../src/cli/process-output.ts";
import { afterTest } from "../helpers/cleanup.ts";
import { itWith } from "../helpers/skipping.ts";
import { temporaryFolder } from "../llm/harness.ts";

function open(path: string, flags: number | string): number {
	const descriptor = openSync(path, flags);
	afterTest(() => closeSync(descriptor));
	return descriptor;
}

/** A stream that keeps what it is given. */
function kept(): { stream: Writable; text: () => string } {
	const chunks: Buffer[] = [];
	const stream = new Writable({
		write(chunk: Buffer, _encoding, done) {
			chunks.push(chunk);
			done();
		},
	});
	return { stream, text: () => Buffer.concat(chunks).toString("utf8") };
}

const never = (): never => {
	throw new Error("a stream was opened");
};

/** Both ends of a pipe that nobody else has. */
function pipe(): number {
	const path = join(temporaryFolder(), "pipe");
	expect(spawnSync("mkfifo", [path]).status).toBe(0);
	return open(path, constants.O_RDWR | constants.O_NONBLOCK);
}

describe("the process's output", () => {
	it("goes into a file without a stream, whatever its length", async () => {
		const path = join(temporaryFolder(), "out");
		const output = processOutput(open(path, "w"), never);
		const text = "é".repeat(100_000);
		expect([output.write("a\n"), output.write(text), output.isTTY, output.columns]).toEqual([
			true,
			true,
			false,
			undefined,
		]);
		await output.flush();
		expect(readFileSync(path, "utf8")).toBe(`a\n${text}`);
	});

	it("goes into a pipe without a stream first, and through one when there is more, in order", async () => {
		const { stream, text } = kept();
		const descriptor = pipe();
		const output = processOutput(descriptor, () => stream);
		output.write("first ");
		output.write("x".repeat(5_000));
		output.write("last");
		await output.flush();
		const bytes = Buffer.alloc(100);
		expect(bytes.toString("utf8", 0, readSync(descriptor, bytes))).toBe("first ");
		expect(text()).toBe(`${"x".repeat(5_000)}last`);
	});

	it("waits through a stream for a reader of a full pipe, and loses nothing", async () => {
		const { stream, text } = kept();
		const descriptor = pipe();
		const filler = Buffer.alloc(4096);
		expect(() => {
			for (;;) writeSync(descriptor, filler);
		}).toThrow("EAGAIN");
		const output = processOutput(descriptor, () => stream);
		output.write("späť, ");
		output.write("later");
		await output.flush();
		expect(text()).toBe("späť, later");
	});

	itWith(existsSync("/dev/full"), "this system has no /dev/full")(
		"says when it was kept nowhere",
		async () => {
			const output = processOutput(open("/dev/full", "w"), never);
			expect(output.write("lost")).toBe(true);
			await expect(output.flush()).rejects.toThrow("cannot write the output: the disk is full");
		},
	);

	it("knows what is no terminal", () => {
		const path = join(temporaryFolder(), "file");
		expect([open(path, "w"), open("/dev/null", "r"), pipe(), 9_999].map(isTerminal)).toEqual(
			Array.from({ length: 4 }, () => false),
		);
	});
});
