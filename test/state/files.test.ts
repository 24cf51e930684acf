import { spawn, spawnSync } from "node:child_process";
import {
	mkdtempSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	statSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ensurePrivateFile, LineAppender, replaceFile } from "../../src/state/files.ts";

let folder: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "llmx-files-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);
const filesModule = new URL("../../src/state/files.ts", import.meta.url).href;

function runWith(code: string, ...argv: string[]) {
	return [
		"--input-type=module",
		"-e",
		`import * as files from ${JSON.stringify(filesModule)};\n${code}`,
		...argv,
	];
}

describe("private files", () => {
	it.each([0o000, 0o022, 0o277])("are 0600 in 0700 folders under umask %i", (umask) => {
		const target = join(folder, "a", "b", "keys.json");
		const code = `process.umask(${umask});
			files.replaceFile(process.argv[1], "x");
			files.ensurePrivateFile(process.argv[1] + ".sqlite");
			new files.LineAppender(process.argv[1] + ".jsonl").append(["{}\\n"]);`;
		const run = spawnSync(process.execPath, runWith(code, target), { encoding: "utf8" });
		expect(run.stderr).toBe("");
		for (const path of [target, `${target}.sqlite`, `${target}.jsonl`]) expect(mode(path)).toBe("600");
		expect(mode(join(folder, "a"))).toBe("700");
		expect(mode(join(folder, "a", "b"))).toBe("700");
	});

	it("are closed to others when they were open, also after rewriting", () => {
		const target = join(folder, "config.json");
		writeFileSync(target, "{}", { mode: 0o644 });
		replaceFile(target, "new");
		expect(mode(target)).toBe("600");
		writeFileSync(join(folder, "ledger"), "", { mode: 0o644 });
		ensurePrivateFile(join(folder, "ledger"));
		expect(mode(join(folder, "ledger"))).toBe("600");
	});
});

describe("replaceFile", () => {
	it("writes through a symbolic link to the file it names", () => {
		const real = join(folder, "dotfiles.json");
		const link = join(folder, "config.json");
		writeFileSync(real, "old");
		symlinkSync(real, link);
		replaceFile(link, "new");
		expect(readFileSync(real, "utf8")).toBe("new");
		expect(readFileSync(link, "utf8")).toBe("new");
	});

	it("replaces a link that leads to a device, and not the device", () => {
		const link = join(folder, "config.json");
		symlinkSync("/dev/null", link);
		replaceFile(link, "new");
		expect(readFileSync(link, "utf8")).toBe("new");
		expect(statSync("/dev/null").isCharacterDevice()).toBe(true);
	});

	it("leaves nothing but the file behind", () => {
		replaceFile(join(folder, "config.json"), "1");
		replaceFile(join(folder, "config.json"), "2");
		expect(readdirSync(folder)).toEqual(["config.json"]);
	});

	it("shows only whole contents when writers are killed", async () => {
		const target = join(folder, "config.json");
		replaceFile(target, JSON.stringify("0".repeat(200_000)));
		const code = `for (let digit = 0; ; digit = (digit + 1) % 10)
			files.replaceFile(process.argv[1], JSON.stringify(String(digit).repeat(200_000)));`;
		for (let round = 0; round < 4; round += 1) {
			const child = spawn(process.execPath, runWith(code, target), { stdio: "ignore" });
			const before = statSync(target).ino;
			while (statSync(target).ino === before) await new Promise((resolve) => setImmediate(resolve));
			for (let read = 0; read < 20 + 2 * round; read += 1) {
				const text = JSON.parse(readFileSync(target, "utf8")) as string;
				expect(text).toBe(text[0]?.repeat(200_000));
			}
			const gone = new Promise((resolve) => child.once("exit", resolve));
			child.kill("SIGKILL");
			await gone;
			const text = JSON.parse(readFileSync(target, "utf8")) as string;
			expect(text).toBe(text[0]?.repeat(200_000));
		}
	});
});

describe("LineAppender", () => {
	it("leaves a device as it is when a link leads to one", () => {
		const before = mode("/dev/null");
		symlinkSync("/dev/null", join(folder, "history"));
		const appender = new LineAppender(join(folder, "history"));
		appender.append(["x\n"]);
		appender.close();
		expect(mode("/dev/null")).toBe(before);
	});

	it("begins on a fresh line after a torn one", () => {
		const path = join(folder, "ledger.jsonl");
		writeFileSync(path, '{"a":1}\n{"torn":');
		const appender = new LineAppender(path);
		appender.append(['{"b":2}\n']);
		appender.append(['{"c":3}\n']);
		appender.close();
		expect(readFileSync(path, "utf8")).toBe('{"a":1}\n{"torn":\n{"b":2}\n{"c":3}\n');
	});

	describe("when another program has its way with the file", () => {
		const open = () => {
			const path = join(folder, "home", "ledger.jsonl");
			const appender = new LineAppender(path);
			appender.append(["a\n"]);
			appender.append(["b\n"]);
			return { path, appender, text: () => readFileSync(path, "utf8") };
		};

		it.each(["close", "sync", "datasync"] as const)("appends again what went with it (%s)", async (last) => {
			const { path, appender, text } = open();
			rmSync(path);
			await appender[last]();
			expect(text()).toBe("a\nb\n");
			appender.append(["c\n"]);
			appender.close();
			expect(text()).toBe("a\nb\nc\n");
		});

		it("makes its folder again", () => {
			const { path, appender, text } = open();
			rmSync(join(path, ".."), { recursive: true });
			appender.close();
			expect(text()).toBe("a\nb\n");
		});

		it("adds to what an editor has put in its place", async () => {
			const { path, appender, text } = open();
			await appender.datasync();
			appender.append(["c\n"]);
			writeFileSync(`${path}~`, "a\nnoted\n");
			renameSync(`${path}~`, path);
			await appender.datasync();
			expect(text()).toBe("a\nnoted\nc\n");
			appender.close();
		});

		it("goes on at the path when the file was moved, which has what it had", () => {
			const { path, appender, text } = open();
			renameSync(path, `${path}.1`);
			appender.sync();
			appender.append(["c\n"]);
			appender.close();
			expect(readFileSync(`${path}.1`, "utf8")).toBe("a\nb\n");
			expect(text()).toBe("c\n");
		});

		it("gives up what can be written nowhere", () => {
			const { path, appender } = open();
			rmSync(join(path, ".."), { recursive: true });
			writeFileSync(join(path, ".."), "no folder");
			expect(() => appender.close()).toThrow();
			expect(appender.takeLost()).toEqual(["a\n", "b\n"]);
		});
	});
});
