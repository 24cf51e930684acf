import { readFileSync, writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { faults } from "../../src/simulator/faults/table.ts";
import { jobFaultTable } from "../../src/simulator/jobs/faults.ts";
import { simulatedModels } from "../../src/simulator/models.ts";

const path = new URL("../../docs/simulator.md", import.meta.url);

function withSection(document: string, name: string, rows: readonly string[]): string {
	const start = `<!-- ${name} -->\n`;
	const at = document.indexOf(start) + start.length;
	return `${document.slice(0, at) + rows.join("\n")}\n${document.slice(document.indexOf("<!-- end -->", at))}`;
}

const cell = (text: string) => text.replaceAll("|", "\\|");

it("docs/simulator.md lists every model and every fault (UPDATE_GOLDEN=1 rewrites the tables)", () => {
	const written = readFileSync(path, "utf8");
	const models = simulatedModels.map(({ id, does }) => `| \`${id}\` | ${cell(does)} |`);
	const faultRows = faults.map(({ name, row, does, on, wires, value }) => {
		const only = [on === undefined ? [] : [on === "stream" ? "streams" : "plain answers"], wires ?? []]
			.flat()
			.join(", ");
		return `| \`${name}\` | ${row} | ${cell(does)} | ${cell(value ?? "")} | ${only} |`;
	});
	let expected = withSection(written, "models", ["| id | what it does |", "|---|---|", ...models]);
	expected = withSection(expected, "faults", [
		"| name | row | what it does | VALUE | only |",
		"|---|---|---|---|---|",
		...faultRows,
	]);
	const jobFaults = Object.entries(jobFaultTable).map(([name, does]) => `| \`${name}\` | ${cell(does)} |`);
	expected = withSection(expected, "job faults", ["| name | what it does |", "|---|---|", ...jobFaults]);
	if (process.env.UPDATE_GOLDEN === "1") writeFileSync(path, expected);
	expect(written).toBe(expected);
});
