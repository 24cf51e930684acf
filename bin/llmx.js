#!/usr/bin/env node
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 19)) {
	process.stderr.write(
		`llmx: needs Node 22.19 or newer, and this is ${process.versions.node}\n  get a newer one from https://nodejs.org\n`,
	);
	process.exitCode = 1;
} else {
	// The default compile cache is a shared temporary folder that somebody else may have made: use a private one.
	const { env, getBuiltinModule } = process;
	const { existsSync, mkdirSync } = getBuiltinModule("node:fs");
	const home = env.HOME || env.USERPROFILE;
	const caches = env.XDG_CACHE_HOME || (home && `${home}/.cache`);
	const folder = env.LLMX_HOME || (caches && `${caches}/llmx`);
	for (const part of [!env.LLMX_HOME && caches, folder, folder && `${folder}/compile`]) {
		try {
			if (part && !existsSync(part)) mkdirSync(part, { mode: 0o700 });
		} catch {
			// Without the cache llmx starts slower, and that is all.
		}
	}
	// Node itself would make a missing folder, with all its parents, for everybody to read.
	if (folder && existsSync(`${folder}/compile`))
		// Deno has no such cache.
		getBuiltinModule("node:module").enableCompileCache?.(`${folder}/compile`);
	import("../dist/main.js")
		.then(({ start }) => start())
		.then((code) => {
			process.exitCode = code;
		});
}
