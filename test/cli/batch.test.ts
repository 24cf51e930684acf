import { fileURLToPath } from "node:url";
import { golden } from "../helpers/golden.ts";

const path = (name: string) => fileURLToPath(new URL(`../golden/${name}`, import.meta.url));

/** Times differ from run to run; everything else must not. */
function withoutTimes(text: string): string {
	return text
		.replace(/"latency_ms":\d+/g, '"latency_ms":0')
		.replace(/ in \d[\d.]* (?:ms|s|min \d+ s)/g, " in TIME")
		.replace(/[\d,]+ answers\/min/g, "N answers/min")
		.replace(/(p50|p95) [\d.]+ (?:ms|s)/g, "$1 TIME");
}

golden(path("batch.txt"), { normalize: withoutTimes });
golden(path("batch-merge.txt"), { normalize: withoutTimes });
