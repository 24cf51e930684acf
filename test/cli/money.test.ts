import { fileURLToPath } from "node:url";
import { golden } from "../helpers/golden.ts";

const transcript = (name: string) => fileURLToPath(new URL(`../golden/${name}.txt`, import.meta.url));

/** What depends on this machine or this version. */
const normalize = (text: string) =>
	text
		.replace(/\b\d[\w.-]* on Node [\d.]+, \w+ \w+/g, "VERSION on Node NODE, SYSTEM")
		// The program as it was built has one; `main` alone has none.
		.replace(/^\w+ +start-up .*\n(?: {2,}.*\n)?/gm, "")
		.replace(/,{"about":"start-up"[^}]*}/, "")
		.replace(/\b\d+ KB\b/g, "N KB")
		.replace(/"bytes":\d+/g, '"bytes":N');

for (const name of [
	"cost",
	"config",
	"keys",
	"cache",
	"cache-damaged",
	"doctor",
	"models",
	"sessions",
	"completion",
	"newcomer",
]) {
	golden(transcript(name), { normalize });
}
