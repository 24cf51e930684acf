import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** Bundles each module of the source by itself, for the runs of vitest.built.config.ts that test modules. */
export default function buildModules(): void {
	const root = fileURLToPath(new URL("../..", import.meta.url));
	execFileSync(process.execPath, ["scripts/build.ts", "--modules"], { cwd: root, stdio: "inherit" });
}
