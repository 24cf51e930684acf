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
	const home = env.HOME || env.USERPROFILE;
	const cache =
		env.LLMX_HOME || (env.XDG_CACHE_HOME ? `${env.XDG_CACHE_HOME}/llmx` : home && `${home}/.cache/llmx`);
	if (cache) {
		try {
			getBuiltinModule("node:fs").mkdirSync(`${cache}/compile`, { recursive: true, mode: 0o700 });
			getBuiltinModule("node:module").enableCompileCache(`${cache}/compile`);
		} catch {
			// Without the cache llmx starts slower, and that is all.
		}
	}
	import("../dist/main.js")
		.then(({ start }) => start())
		.then((code) => {
			process.exitCode = code;
		});
}
