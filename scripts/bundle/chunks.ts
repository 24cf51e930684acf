import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Plugin } from "esbuild";

/**
 * Node takes 0.4 ms for each file that it imports, and esbuild makes a chunk of every set of modules that some lazily
 * loaded ones share: 28 on the way to a request. A lazy module that also names a root is known to share all of it, so
 * what is reached from the root stays in one chunk. The first two roots are loaded already when the lazy module is, so
 * that costs nothing; the commands share what `ask` needs, which most of them load anyway.
 */
const roots = [
	{ lazy: /\/src\/cli\/commands\/\w+\.ts$/, root: "src/cli/main.ts" },
	{
		lazy: /\/src\/(providers\/(openai-compatible|gemini|anthropic)|traffic\/(agent|slots)|state\/lock|cache-store|schema-validator)\.ts$/,
		root: "src/index.ts",
	},
	{ lazy: /\/src\/(cli\/commands\/\w+|terminal\/(markdown|columns))\.ts$/, root: "src/cli/commands/ask.ts" },
];

export function fewerChunks(folder: string): Plugin {
	return {
		name: "fewer-chunks",
		setup(build) {
			build.onLoad({ filter: /\/src\/.+\.ts$/ }, ({ path }) => {
				const named = roots.filter(({ lazy, root }) => lazy.test(path) && !path.endsWith(root));
				if (named.length === 0 || path.endsWith("/commands/table.ts")) return undefined;
				const imports = named.map(({ root }) => `import ${JSON.stringify(join(folder, root))};`);
				return { contents: [readFileSync(path, "utf8"), ...imports].join("\n"), loader: "ts" };
			});
		},
	};
}
