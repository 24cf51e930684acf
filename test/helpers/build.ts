import { execFileSync } from "node:child_process";
import { existsSync, globSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * Tests that run bin/llmx.js need a dist that is as new as the source: builds it once when it is not. Workers, and
 * all processes that tests start, share what was compiled.
 */
export default function build(): void {
	const root = fileURLToPath(new URL("../..", import.meta.url));
	process.env.NODE_COMPILE_CACHE ??= `${root}/node_modules/.cache/node`;
	const main = `${root}/dist/main.cjs`;
	const built = existsSync(main) ? statSync(main).mtimeMs : 0;
	const sources = globSync("{src/**/*.{ts,tsx,css},package.json,scripts/{build.ts,bundle/*.ts}}", {
		cwd: root,
	});
	if (sources.every((file) => statSync(`${root}/${file}`).mtimeMs <= built)) return;
	execFileSync(process.execPath, ["scripts/build.ts"], { cwd: root, stdio: "inherit" });
}
