import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Plugin } from "esbuild";

/**
 * Node takes 0.4 ms for each file that it imports, and esbuild makes a chunk of every set of modules that some lazily
 * loaded ones share: 28 on the way to a request. A lazy module that also imports a root is known to share all that the
 * root reaches, which then stays together. The library is loaded already when one of its lazy modules is, and so is the
 * command line, so this costs nothing; the commands share what `ask` needs, most of which they load anyway.
 */
const roots = [
	{
		lazyIn: /^src\/(cli|ui|terminal|batch|prompts|results|report)\//,
		imports: ["src/cli/main.ts", "src/cli/ask/ask.ts"],
	},
	// Jobs share with the adapters what all of those share.
	{
		lazyIn: /^src\/jobs\//,
		imports: [
			"src/index.ts",
			...["answer-reader", "answer-stream", "details", "parameters", "system-messages"].map(
				(name) => `src/providers/${name}.ts`,
			),
		],
	},
	{
		lazyIn: /^src\/(providers|http|limits|schedule|slots|state|ask|cache|content|models)\/|^src\/[^/]+$/,
		imports: ["src/index.ts"],
	},
];

export function fewerChunks(folder: string): Plugin {
	return {
		name: "fewer-chunks",
		setup(build) {
			build.onLoad({ filter: /\/src\/.+\.tsx?$/ }, ({ path }) => {
				const lazy = lazyModules(folder);
				const module = path.slice(folder.length);
				if (!lazy.has(module)) return undefined;
				const root = roots.find(({ lazyIn }) => lazyIn.test(module));
				const imports = (root?.imports ?? [])
					.filter((name) => name !== module)
					.map((name) => `import ${JSON.stringify(join(folder, name))};`);
				const contents = [readFileSync(path, "utf8"), ...imports].join("\n");
				return { contents, loader: path.endsWith("x") ? "tsx" : "ts" };
			});
		},
	};
}

let found: Set<string> | undefined;

/** The modules that a source loads with `import()`. */
function lazyModules(folder: string): Set<string> {
	if (found) return found;
	found = new Set();
	for (const file of globSync("src/**/*.{ts,tsx}", { cwd: folder })) {
		const source = readFileSync(join(folder, file), "utf8");
		for (const [, path] of source.matchAll(/(?<!typeof )\bimport\("(\.[^"]+)"\)/g))
			found.add(join(dirname(file), path as string));
	}
	return found;
}
