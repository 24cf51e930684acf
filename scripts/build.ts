/** Builds dist/: bundles with code splitting, the library's declarations, and the licences of what was bundled. */
import { execFileSync } from "node:child_process";
import { existsSync, globSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "dist");
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };

/**
 * Importing a builtin as an ES module costs 3-6 ms each, for Node builds a facade for it; getBuiltinModule costs
 * nothing. Each importer gets just the names it imports, because reading a lazy one (`util.diff`) loads what is behind
 * it. commander imports child_process for executable subcommands, of which we have none: never load it.
 */
const builtins: esbuild.Plugin = {
	name: "builtins",
	setup(build) {
		build.onResolve({ filter: /^[a-z0-9_:/]+$/ }, ({ path, importer, kind }) => {
			// What `await import("node:x")` gives has live named exports; leave it to Node.
			if (!isBuiltin(path) || kind === "dynamic-import") return undefined;
			const id = path.startsWith("node:") ? path : `node:${path}`;
			const unused = id === "node:child_process" && importer.includes("/commander/");
			const get = id === "node:process" ? "process" : `process.getBuiltinModule(${JSON.stringify(id)})`;
			if (kind === "require-call")
				return { path: id, namespace: "builtin", pluginData: `module.exports = ${get};` };
			const names = unused ? [] : importedNames(readFileSync(importer, "utf8"), path);
			const exports = names.map((name) => `export const ${name} = builtin.${name};`);
			const contents = [
				`const builtin = ${unused ? "{}" : get};`,
				...exports,
				"export default builtin;",
			].join("\n");
			return { path: `${id}?${importer}`, namespace: "builtin", pluginData: contents };
		});
		build.onLoad({ filter: /./, namespace: "builtin" }, ({ pluginData }) => ({
			contents: pluginData as string,
		}));
	},
};

/** The names that a source takes from a module, as `{ a, b as c }` or as `x.a` of `* as x`. */
function importedNames(source: string, specifier: string): string[] {
	const names = new Set<string>();
	for (const [, clause = "", from] of source.matchAll(
		/^(?:import|export)\s+([^;"']*?)\s*from\s*["']([^"']+)["']/gm,
	)) {
		if (from !== specifier || clause.startsWith("type ")) continue;
		const list = /\{([^}]*)\}/.exec(clause)?.[1] ?? "";
		for (const item of list.split(",")) {
			const name = /^\s*(?!type\s)(\w+)/.exec(item)?.[1];
			if (name && name !== "default") names.add(name);
		}
		const namespace = /\*\s*as\s+(\w+)/.exec(clause)?.[1];
		if (namespace) {
			for (const [, name] of source.matchAll(new RegExp(`\\b${namespace}\\.(\\w+)`, "g")))
				names.add(name as string);
		}
	}
	return [...names];
}

/** Ink asks for the React developer tools only when DEV is set; bundling the real ones would add a megabyte. */
const stubs: esbuild.Plugin = {
	name: "stubs",
	setup(build) {
		build.onResolve({ filter: /^react-devtools-core$/ }, () => ({
			path: "react-devtools-core",
			namespace: "stub",
		}));
		build.onLoad({ filter: /./, namespace: "stub" }, () => ({ contents: "export default {};" }));
	},
};

/**
 * Helpers above the wire that the SDKs bring along and llmx never calls: stream runners, agents, pollers. They are half
 * of the code to load at start-up, and one of them makes Node load its own undici. Each export becomes a class that
 * throws when it is used after all.
 */
const unusedHelpers = [
	/\/openai\/lib\/(EventStream|AbstractChatCompletionRunner|ChatCompletion(Runner|Stream|StreamingRunner)|AssistantStream|assistant-run-polling|agents\/.+|beta\/agents\/.+|responses\/ResponseStream|vector-store-.+|webhook-signature)\.mjs$/,
	/\/@anthropic-ai\/sdk\/lib\/(BetaMessageStream|MessageStream|environments\/.+|threads\/.+|tools\/.+|internal\/threads\/.+)\.mjs$/,
];

const leanSdks: esbuild.Plugin = {
	name: "lean-sdks",
	setup(build) {
		for (const filter of unusedHelpers) {
			build.onLoad({ filter }, ({ path }) => {
				const names = new Set<string>();
				const source = readFileSync(path, "utf8");
				for (const [, name] of source.matchAll(
					/^export (?:async )?(?:class|function\*?|const|let|var) (\w+)/gm,
				))
					names.add(name as string);
				for (const [, list] of source.matchAll(/^export \{([^}]*)\}/gm)) {
					for (const item of (list as string).split(","))
						names.add(
							item
								.trim()
								.split(/\s+as\s+/)
								.at(-1) as string,
						);
				}
				names.delete("");
				const classes = [...names].map(
					(name) => `export class ${name} { constructor() { throw new Error("${name} is not bundled"); } }`,
				);
				return { contents: classes.join("\n") };
			});
		}
	},
};

/** Yoga's loader asks for the type of `fetch`, which makes Node load all of its HTTP client: 25 ms for nothing. */
const yoga: esbuild.Plugin = {
	name: "yoga",
	setup(build) {
		build.onLoad({ filter: /yoga-layout.dist.binaries.*\.js$/ }, ({ path }) => ({
			contents: readFileSync(path, "utf8").replaceAll("typeof fetch", '"undefined"'),
		}));
	},
};

const options: esbuild.BuildOptions = {
	absWorkingDir: root,
	entryPoints: { main: "src/cli/main.ts", index: "src/index.ts" },
	outdir: "dist",
	bundle: true,
	splitting: true,
	format: "esm",
	platform: "node",
	target: "node22.19",
	minify: true,
	legalComments: "none",
	metafile: true,
	chunkNames: "chunks/[name]-[hash]",
	external: ["better-sqlite3", "bun:sqlite"],
	inject: ["src/providers/web-globals.ts"],
	define: {
		"process.env.NODE_ENV": '"production"',
		"process.env.DEV": '"false"',
		LLMX_VERSION: JSON.stringify(version),
	},
	plugins: [builtins, stubs, leanSdks, yoga],
	logLevel: "warning",
};

/** Writes one file with the licence text of every package that a bundle contains. */
function writeLicences(metafile: esbuild.Metafile): void {
	const packages = new Set<string>();
	for (const input of Object.keys(metafile.inputs)) {
		const match = /^([^:]*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input);
		if (match?.[1] !== undefined) packages.add(resolve(root, match[1]));
	}
	const sections = [...packages].sort().map((folder) => {
		const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
		const files = readdirSync(folder)
			.filter((file) => /^(licen[cs]e|notice|copying)/i.test(file))
			.sort();
		const texts = files.map((file) => readFileSync(join(folder, file), "utf8").trim());
		return [`${name} ${version} (${license})`, ...texts].join("\n\n");
	});
	writeFileSync(join(dist, "THIRD_PARTY_LICENSES.txt"), `${sections.join(`\n\n${"-".repeat(80)}\n\n`)}\n`);
}

/** Emits declarations and keeps only those that the public face reaches, so that no bundled package is named. */
function writeDeclarations(): void {
	execFileSync(
		process.execPath,
		[join(root, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.types.json"],
		{
			cwd: root,
			stdio: "inherit",
		},
	);
	const types = join(dist, "types");
	const reached = new Set<string>();
	const pending = [join(types, "index.d.ts")];
	for (let file = pending.pop(); file !== undefined; file = pending.pop()) {
		if (reached.has(file)) continue;
		reached.add(file);
		for (const [, specifier] of readFileSync(file, "utf8").matchAll(/(?:from|import\()\s*"(\.[^"]+)"/g)) {
			pending.push(join(dirname(file), (specifier as string).replace(/\.[jt]s$/, ".d.ts")));
		}
	}
	for (const file of globSync("**/*.d.ts", { cwd: types })) {
		if (!reached.has(join(types, file))) rmSync(join(types, file));
	}
}

async function main(): Promise<void> {
	if (process.argv.includes("--watch")) {
		const context = await esbuild.context({ ...options, minify: false, logLevel: "info" });
		await context.watch();
		return;
	}
	rmSync(dist, { recursive: true, force: true });
	const { metafile } = await esbuild.build(options);
	writeLicences(metafile as esbuild.Metafile);
	if (process.argv.includes("--metafile"))
		writeFileSync(join(dist, "metafile.json"), JSON.stringify(metafile));
	if (!process.argv.includes("--no-types")) writeDeclarations();
	if (!existsSync(join(dist, "main.js"))) throw new Error(`no ${relative(root, dist)}/main.js was built`);
}

await main();
