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
	const { mkdirSync, statSync } = getBuiltinModule("node:fs");
	const home = env.HOME || env.USERPROFILE;
	const isWindows = process.platform === "win32";
	const caches = isWindows ? env.LOCALAPPDATA : env.XDG_CACHE_HOME || (home && `${home}/.cache`);
	const folder = env.LLMX_HOME || (caches && (isWindows ? `${caches}/llmx/cache` : `${caches}/llmx`));
	const compile = folder && `${folder}/compile`;
	for (const part of [!env.LLMX_HOME && caches, isWindows && `${caches}/llmx`, folder, compile]) {
		try {
			if (part) mkdirSync(part, { mode: 0o700 });
		} catch {
			// It is there; or llmx starts slower, and that is all.
		}
	}
	const found = compile && statSync(compile, { throwIfNoEntry: false });
	// Code that others may have put there is not run. Node itself would make a missing folder, for everybody to read.
	const isPrivate = isWindows || (found?.uid === process.geteuid?.() && (found.mode & 0o022) === 0);
	// Deno has no such cache.
	if (found?.isDirectory() && isPrivate) getBuiltinModule("node:module").enableCompileCache?.(compile);
	import("../dist/main.js")
		.then(({ start }) => start())
		.then((code) => {
			process.exitCode = code;
		});
}
