import { describe, expect, it } from "vitest";
import { commands } from "../../src/cli/commands.ts";
import { main } from "../../src/cli/main.ts";
import { createTestIo } from "../helpers/io.ts";

const columns = 80;

/** The help of a command, and of each of its subcommands, on a terminal. */
async function helpOf(path: readonly string[]): Promise<{ path: string; text: string }[]> {
	const io = createTestIo({ terminal: { columns, rows: 24 } });
	expect(await main([...path, "--help"], io)).toBe(0);
	const text = io.out();
	const [, listed = ""] = /\nCommands:\n(.*?)(?:\n\n|$)/s.exec(text) ?? [];
	const children = [...listed.matchAll(/^ {2}([a-z]+)/gm)].map(([, name]) => name as string);
	const below = children.filter((name) => name !== "help").map((name) => helpOf([...path, name]));
	return [{ path: path.join(" "), text }, ...(await Promise.all(below)).flat()];
}

// What is listed in help changes with every option that is added, so no transcript holds it.
describe.each(Object.keys(commands))("the help of %s", (name) => {
	it("fits the terminal, and says something of every option", async () => {
		for (const { path, text } of await helpOf([name])) {
			expect(text).toMatch(new RegExp(`^Usage: llmx ${path}`));
			const [, options = ""] = /\nOptions:\n(.*?)(?:\n\n|$)/s.exec(text) ?? [];
			expect(options).toContain("--help");
			for (const line of options.split("\n")) expect(line.length, line).toBeLessThanOrEqual(columns);
			for (const [line, description] of options.matchAll(/^ {2}-.*?(?: {2,}(.*))?$/gm)) {
				expect([line, description]).toEqual([line, expect.stringMatching(/^(?:[a-z]|[A-Z]{2}|Markdown)/)]);
			}
		}
	});
});
