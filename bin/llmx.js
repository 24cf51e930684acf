#!/usr/bin/env node
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 19)) {
	process.stderr.write(
		`llmx: needs Node 22.19 or newer, and this is ${process.versions.node}\n  get a newer one from https://nodejs.org\n`,
	);
	process.exitCode = 1;
} else {
	require("../dist/main.cjs")
		.start()
		.then((code) => {
			process.exitCode = code;
		});
}
