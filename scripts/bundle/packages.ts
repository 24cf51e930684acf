import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Plugin, PluginBuild } from "esbuild";

/** Ink asks for the React developer tools only when DEV is set; bundling the real ones would add a megabyte. */
export const stubs: Plugin = {
	name: "stubs",
	setup(build) {
		build.onResolve({ filter: /^react-devtools-core$/ }, () => ({
			path: "react-devtools-core",
			namespace: "stub",
		}));
		build.onLoad({ filter: /./, namespace: "stub" }, () => ({ contents: "export default {};" }));
	},
};

/*
 * Every replacement below was measured by leaving it out: CPU of one `ask` from its start to its answer (64 ms with all
 * of them; the mean of the best quarter of interleaved runs, as in bench/startup), CPU of a batch row, bytes of dist/.
 */

/**
 * Helpers above the wire that an SDK brings along and llmx never calls: stream runners, agents, pollers. They are half
 * of its code to load at start-up. Each export becomes a class that throws when it is used after all.
 */
const unusedHelpers =
	/\/@anthropic-ai\/sdk\/lib\/(BetaMessageStream|MessageStream|environments\/.+|threads\/.+|tools\/.+|internal\/threads\/.+)\.mjs$/;

export const leanSdk: Plugin = {
	name: "lean-sdk",
	setup(build) {
		build.onLoad({ filter: unusedHelpers }, ({ path }) => ({
			contents: exportedNames(path)
				.map(
					(name) => `export class ${name} { constructor() { throw new Error("${name} is not bundled"); } }`,
				)
				.join("\n"),
		}));
	},
};

/** The names under which a module exports. */
function exportedNames(path: string): string[] {
	const names = new Set<string>();
	const source = readFileSync(path, "utf8");
	for (const [, name] of source.matchAll(/^export (?:async )?(?:class|function\*?|const|let|var) (\w+)/gm))
		names.add(name as string);
	for (const [, list] of source.matchAll(/^export \{([^}]*)\}/gm)) {
		for (const item of (list as string).split(",")) {
			const name = item
				.trim()
				.split(/\s+as\s+/)
				.at(-1);
			if (name) names.add(name);
		}
	}
	return [...names];
}

/**
 * undici as far as one request needs it. Without these: +8 ms (HTTP/2), +4 ms (names of headers), +4 ms (`node:http`),
 * +2 ms (constants of its parser).
 */
export const leanUndici: Plugin = {
	name: "lean-undici",
	setup(build) {
		const dispatcher = /\/undici\/lib\/dispatcher\/client\.js$/;
		// Its half for HTTP/2, and the builtin under it, wait for a server that speaks it.
		edit(build, dispatcher, [
			{
				from: "const connectH2 = require('./client-h2.js')",
				to: "const connectH2 = (...args) => require('./client-h2.js')(...args)",
			},
			// Node's limit of a header's size is 16 KiB, unless a flag says otherwise.
			{
				from: "const http = require('node:http')",
				to: `const http = { get maxHeaderSize() {
					const flags = [...process.execArgv, process.env.NODE_OPTIONS].join(" ");
					return flags.includes("max-http-header-size") ? require("node:http").maxHeaderSize : 16_384;
				} };`,
			},
		]);
		edit(build, /\/undici\/lib\/core\/util\.js$/, [
			{ from: "const { IncomingMessage } = require('node:http')", to: "" },
			{ from: ".constructor === IncomingMessage)", to: ".constructor.name === 'IncomingMessage')" },
			// A tree of all known names, for a string in lower case that the other side of each `??` makes as well.
			{ from: "const { tree } = require('./tree')", to: "" },
			{
				from: "tree.lookup(value) ?? value.toString('latin1').toLowerCase()",
				to: "value.toString('latin1').toLowerCase()",
			},
		]);
		// Only the numbers of two of its tables are asked for.
		build.onLoad({ filter: /\/undici\/lib\/llhttp\/constants\.js$/ }, ({ path }) => {
			const parser = readFileSync(path.replace("llhttp/constants.js", "dispatcher/client-h1.js"), "utf8");
			const { TYPE, ERROR } = createRequire(path)(path) as Record<string, object>;
			const others = parser.match(/\bconstants\b(?!\.(?:TYPE|ERROR|js)\b| =).*/g);
			if (others !== null || TYPE === undefined || ERROR === undefined)
				return { errors: [{ text: `${path} has changed, or what its parser uses: ${others?.join(", ")}` }] };
			return { contents: `module.exports = ${JSON.stringify({ TYPE, ERROR })};` };
		});
	},
};

/** Yoga's loader asks for the type of `fetch`, which makes Node load all of its HTTP client: 25 ms for nothing. */
export const yoga: Plugin = {
	name: "yoga",
	setup(build) {
		edit(build, /yoga-layout.dist.binaries.*\.js$/, [{ from: "typeof fetch", to: '"undefined"' }]);
	},
};

/** The pattern of all emoji takes 2 ms to make, and most programs never print one. */
export const stringWidth: Plugin = {
	name: "string-width",
	setup(build) {
		edit(build, /\/string-width\/index\.js$/, [
			{ from: "const rgiEmojiRegex = /^\\p{RGI_Emoji}$/v;", to: "let rgiEmojiRegex;" },
			{ from: "rgiEmojiRegex.test(", to: "(rgiEmojiRegex ??= /^\\p{RGI_Emoji}$/v).test(" },
		]);
	},
};

/** Puts other words into a package's file; fails when they are not there any more. */
function edit(build: PluginBuild, filter: RegExp, changes: readonly { from: string; to: string }[]): void {
	build.onLoad({ filter }, ({ path }) => {
		const source = readFileSync(path, "utf8");
		const missing = changes.filter(({ from }) => !source.includes(from));
		if (missing.length > 0)
			return { errors: missing.map(({ from }) => ({ text: `${path} has changed: no ${from}` })) };
		return { contents: changes.reduce((text, { from, to }) => text.replaceAll(from, to), source) };
	});
}
