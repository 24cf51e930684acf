import { globSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { golden } from "../helpers/golden.ts";

const folder = fileURLToPath(new URL("../golden", import.meta.url));

/** Times and dates are not what these transcripts are about. */
function normalize(text: string): string {
	return (
		text
			.replace(/\b20\d\d-\d\d-\d\d-\d+/g, "DATE-N")
			.replace(/\b20\d\d-\d\d-\d\d\b/g, "DATE")
			// An answer that took no time has no pace.
			.replace(/(?<=\$[\d.]+ · )\d+(\.\d)? m?s( · [\d,]+ tok\/s)?/g, "TIME")
			.replace(/127\.0\.0\.1:\d+/g, "HOST")
	);
}

for (const file of globSync("chat-*.txt", { cwd: folder }).sort()) {
	golden(`${folder}/${file}`, { normalize });
}
