import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const dist = fileURLToPath(new URL("../../dist", import.meta.url));

describe("the client of Redis", () => {
	it.each([
		"cli",
		"chunks",
	])("is a file of its own in dist/%s, which nobody loads but to connect", (folder) => {
		const names = readdirSync(`${dist}/${folder}`).filter((name) => /\.c?js$/.test(name));
		const files = new Map(names.map((name) => [name, readFileSync(`${dist}/${folder}/${name}`, "utf8")]));
		const clients = names.filter((name) => files.get(name)?.includes("MaxRetriesPerRequestError"));
		expect(clients).toHaveLength(1);
		const [client = ""] = clients;
		const name = client.replaceAll(".", "\\.");
		for (const [other, text] of files) {
			if (other === client || !text.includes(client)) continue;
			expect(text).toMatch(new RegExp(`(?:__load|import)\\("\\./${name}"\\)`));
			expect(text).not.toMatch(new RegExp(`(?:require\\(|from\\s*|import\\s*)"\\./${name}"`));
		}
	});
});
