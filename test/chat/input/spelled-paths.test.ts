import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nameOf, pathsIn, resolvePath } from "../../../src/chat/input/spelled-paths.ts";

let folder: string;
beforeAll(() => {
	folder = mkdtempSync(join(tmpdir(), "llmx-spelled-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const addressOf = (path: string) => pathToFileURL(path).href.replaceAll("'", "%27");
/** How terminals and desktops insert the path of a file that is dropped. */
const spell = {
	quoted: (path: string) => `'${path.replaceAll("'", "'\\''")}'`,
	doubleQuoted: (path: string) => `"${path.replace(/["\\$`]/g, "\\$&")}"`,
	escaped: (path: string) => path.replace(/[^\w/.]/g, "\\$&"),
	address: addressOf,
	addressOfHost: (path: string) => addressOf(path).replace("file://", "file://this.computer"),
	shortAddress: (path: string) => addressOf(path).replace("file://", "file:"),
};
const spellings = fc.constantFrom(...Object.values(spell));
// A space at its end is what a terminal puts behind the path.
const fileNames = fc.string({
	unit: fc.constantFrom(...` '"\\$()[]&é日😀ab-~%`),
	minLength: 1,
	maxLength: 8,
});

describe("a path that a terminal inserts", () => {
	it("is that of the file, however it is spelled, and of several files", () => {
		fc.assert(
			fc.property(fc.array(fc.tuple(fileNames, spellings), { minLength: 1, maxLength: 3 }), (dropped) => {
				const files = dropped.map(([name]) => join(folder, `${name}.png`));
				for (const file of files) writeFileSync(file, "");
				const words = dropped.map(([, write], index) => write(files[index] ?? ""));
				const found = pathsIn(`${words.join(" ")} `, folder);
				expect(found.map((path) => resolvePath(path, folder))).toEqual(files);
				expect(resolvePath(words[0] ?? "", folder)).toBe(files[0]);
				expect(nameOf(words[0] ?? "", files[0] ?? "")).toBe(files[0]);
			}),
			{ numRuns: 60 },
		);
	});

	it("is one text when the files are not there", () => {
		expect(pathsIn("'a b' c d", folder)).toEqual(["'a b' c d"]);
		expect(pathsIn("it's", folder)).toEqual(["it's"]);
	});
});
