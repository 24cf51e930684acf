import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { maskKey, readStoredKeys, removeKey, storeKey } from "../../src/state/keys.ts";

let folder: string;
let path: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "llmx-keys-"));
	path = join(folder, "config", "keys.json");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("stored keys", () => {
	it("are stored privately, replaced and removed", () => {
		expect(readStoredKeys(path)).toEqual({});
		storeKey(path, "openai", " sk-first \n");
		storeKey(path, "sambanova", "a1,\nb2,a1");
		storeKey(path, "openai", "sk-second");
		expect(statSync(path).mode & 0o777).toBe(0o600);
		expect(statSync(join(folder, "config")).mode & 0o777).toBe(0o700);
		expect(readStoredKeys(path)).toEqual({ openai: ["sk-second"], sambanova: ["a1", "b2"] });
		expect(removeKey(path, "openai")).toBe(true);
		expect(removeKey(path, "openai")).toBe(false);
		expect(readFileSync(path, "utf8")).not.toContain("sk-second");
	});

	it("are refused when others can read the file", () => {
		storeKey(path, "openai", "sk-secret");
		chmodSync(path, 0o640);
		expect(() => readStoredKeys(path)).toThrow(/can be read by others \(mode 640\)/);
	});

	it.each([
		"[]",
		"null",
		'{"openai":"sk"}',
		'{"openai":[]}',
		'{"openai":[1]}',
	])("are damaged as %j", (text) => {
		storeKey(path, "openai", "sk-secret");
		writeFileSync(path, text);
		expect(() => readStoredKeys(path)).toThrow("damaged");
	});

	it("are called damaged without quoting them", () => {
		storeKey(path, "openai", "sk-secret");
		writeFileSync(path, '{"openai": "sk-secret"');
		expect(() => readStoredKeys(path)).toThrow(/^the stored keys in .* are damaged$/);
	});

	it.each(["", " ", "sk one", "sk-\u00e9", "sk-\u001b[31m"])("cannot be %j", (key) => {
		expect(() => storeKey(path, "openai", key)).toThrow(/key/);
	});
});

describe("maskKey", () => {
	it("shows the last four characters of a long key and none of a short one", () => {
		expect(maskKey("sk-1234567890abcd")).toBe("…abcd");
		expect(maskKey("short")).toBe("…");
	});
});
