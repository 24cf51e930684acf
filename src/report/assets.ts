import { readFileSync } from "node:fs";
import { LlmxError } from "../errors.ts";

/** The script and the style of the page, as the build has bundled them. */
export interface PageAssets {
	readonly script: string;
	readonly style: string;
}

// Beside chunks of the bundle, in the folder above them, and for the source in the folder that the build makes.
const locations = ["./", "../", "../../dist/"];

/** @throws LlmxError when the package is not whole */
export function readPageAssets(): PageAssets {
	return { script: readAsset("report-page.js"), style: readAsset("report-style.css") };
}

function readAsset(name: string): string {
	for (const location of locations) {
		try {
			return readFileSync(new URL(location + name, import.meta.url), "utf8");
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
		}
	}
	throw new LlmxError(`the installation of llmx is incomplete: ${name} is missing`, {
		hint: "install it again, or npm run build",
	});
}
