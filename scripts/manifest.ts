/**
 * `strip` leaves in package.json what a user of the package needs, `restore` puts it back: npm packs the file as it is,
 * and warns everybody who installs a package with a `prepare` script that they would have to allow it.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const manifest = fileURLToPath(new URL("../package.json", import.meta.url));
const whole = fileURLToPath(new URL("../node_modules/.llmx-package.json", import.meta.url));

const unneeded = ["scripts", "devDependencies", "overrides", "allowScripts"];

if (process.argv[2] === "strip") {
	const text = readFileSync(manifest, "utf8");
	// One that was stripped already, by a run that did not come to its end, is not the whole one.
	if (!existsSync(whole)) writeFileSync(whole, text);
	const fields = Object.entries(JSON.parse(text)).filter(([name]) => !unneeded.includes(name));
	writeFileSync(manifest, `${JSON.stringify(Object.fromEntries(fields), null, "\t")}\n`);
} else if (existsSync(whole)) renameSync(whole, manifest);
