import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { bindingsOf } from "../../src/chat/input/key-bindings.ts";
import { resolvePath } from "../../src/chat/input/spelled-paths.ts";
import { bytesFor } from "../../src/cli/chat/clipboard.ts";
import { examineFolders } from "../../src/cli/doctor/folders.ts";
import { patiently, syncFolder } from "../../src/state/file-system.ts";
import { resolvePaths } from "../../src/state/paths.ts";
import { checkSessionName } from "../../src/state/sessions/sessions.ts";
import { editorCommand, editorOf } from "../../src/terminal/editor.ts";

describe("on Windows", () => {
	it("a file that another program has open is waited for, up to two seconds", () => {
		const waited: number[] = [];
		const sleep = (ms: number) => void waited.push(ms);
		let refusals = 3;
		const rename = () => {
			if (refusals-- > 0) throw Object.assign(new Error("busy"), { code: "EPERM" });
			return "renamed";
		};
		expect(patiently(rename, "win32", sleep)).toBe("renamed");
		expect(waited).toEqual([10, 20, 50]);
		refusals = 100;
		expect(() => patiently(rename, "win32", sleep)).toThrow("busy");
		expect(waited.slice(3).reduce((sum, ms) => sum + ms, 0)).toBe(2_000);
		refusals = 1;
		expect(() => patiently(rename, "linux", sleep)).toThrow("busy");
		const missing = () => {
			throw Object.assign(new Error("gone"), { code: "ENOENT" });
		};
		waited.length = 0;
		expect(() => patiently(missing, "win32", sleep)).toThrow("gone");
		expect(waited).toEqual([]);
	});

	it("folders cannot be opened to be brought to the disk", () => {
		expect(() => syncFolder("/nonexistent", "win32")).not.toThrow();
	});

	it.each([
		"nul",
		"CON",
		"aux",
		"com1",
		"LPT9",
		"nul.notes",
	])("%s is a device and names no session", (name) => {
		expect(() => checkSessionName(name, "win32")).toThrow("Windows reserves it for a device");
		expect(() => checkSessionName(name, "linux")).not.toThrow();
	});

	it("clip.exe gets UTF-16 with a byte order mark", () => {
		expect([...bytesFor("clip.exe", "é")]).toEqual([0xff, 0xfe, 0xe9, 0x00]);
		expect([...bytesFor("pbcopy", "é")]).toEqual([0xc3, 0xa9]);
	});

	it("an editor is one command for the shell, without arguments that Node would warn of", () => {
		expect(editorOf({}, "win32")).toBe("notepad");
		expect(editorOf({}, "darwin")).toBe("vi");
		expect(editorOf({ EDITOR: "code --wait", VISUAL: "" }, "win32")).toBe("code --wait");
		expect(editorCommand("code --wait", "C:\\a b.md", "win32")).toEqual({
			command: 'code --wait "C:\\a b.md"',
			args: [],
			shell: true,
		});
		expect(editorCommand("vi", "/a b", "linux").args.at(-1)).toBe("/a b");
	});

	it("there is no Ctrl-Z", () => {
		const has = (platform: NodeJS.Platform) =>
			bindingsOf(platform).some(({ action }) => action === "suspend");
		expect([has("win32"), has("linux")]).toEqual([false, true]);
	});

	it("~ stands before either slash", () => {
		expect(resolvePath("~\\a.png", "/", "win32")).not.toContain("~");
		expect(resolvePath("~\\a.png", "/", "linux")).toContain("~");
	});

	it("doctor says what keeps others out, where file modes do not", () => {
		const home = mkdtempSync(join(tmpdir(), "llmx-doctor-"));
		chmodSync(home, 0o777);
		const look = (platform: NodeJS.Platform) => [
			...examineFolders(resolvePaths({ LLMX_HOME: home }), platform),
		];
		expect(look("win32")).toEqual([
			{ about: "folder", state: "ok", text: `${home}: as private as your Windows profile is` },
		]);
		expect(look("linux")).toMatchObject([{ state: "problem", hint: `run: chmod 700 ${home}` }]);
		chmodSync(home, 0o700);
		expect(look("linux")).toEqual([{ about: "folder", state: "ok", text: home }]);
		rmSync(home, { recursive: true });
	});
});
