/** Runs the tests with V8's coverage and names the files of which they reach least. `npm run coverage` */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";

interface Share {
	readonly total: number;
	readonly covered: number;
	readonly pct: number;
}
type Summary = Record<string, { readonly lines: Share; readonly branches: Share }>;

const root = join(import.meta.dirname, "..");
const folder = mkdtempSync(join(tmpdir(), "llmx-coverage-"));
const flags = [
	"--coverage.enabled",
	"--coverage.include=src/**",
	"--coverage.exclude=**/*.d.ts",
	"--coverage.reporter=json-summary",
	"--coverage.reportOnFailure",
	`--coverage.reportsDirectory=${folder}`,
];
const vitest = join(root, "node_modules/vitest/vitest.mjs");
const args = [vitest, "run", ...flags, ...process.argv.slice(2)];
const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: "inherit" });
const summary = JSON.parse(readFileSync(join(folder, "coverage-summary.json"), "utf8")) as Summary;
rmSync(folder, { recursive: true });

const { total, ...files } = summary;
if (total !== undefined) {
	console.log(
		`\nlines ${total.lines.pct} %, branches ${total.branches.pct} %. Most lines that no test reaches:`,
	);
}
const unreached = ({ total, covered }: Share) => total - covered;
const worst = Object.entries(files).sort(([, a], [, b]) => unreached(b.lines) - unreached(a.lines));
for (const [path, { lines, branches }] of worst.slice(0, 10)) {
	console.log(
		`${String(unreached(lines)).padStart(4)}  ${relative(root, path)} (${lines.pct} %, branches ${branches.pct} %)`,
	);
}
process.exitCode = status ?? 1;
