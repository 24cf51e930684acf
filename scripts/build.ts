/** Builds dist/: the library and the command line with code splitting, the library's declarations, and the licences of what was bundled. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, globSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import { builtins } from "./bundle/builtins.ts";
import { fewerChunks } from "./bundle/chunks.ts";
import { leanSdk, leanUndici, stringWidth, stubs, yoga } from "./bundle/packages.ts";
import { packScripts, toScripts } from "./bundle/scripts.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "dist");
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };

const plugins = [builtins, stubs, leanSdk, leanUndici, stringWidth, yoga, fewerChunks(root)];

const common: esbuild.BuildOptions = {
	absWorkingDir: root,
	bundle: true,
	format: "esm",
	platform: "node",
	target: "node22.19",
	// Names stay as they are, so that an error is called what it is and a stack trace can be read. Short names would
	// start no sooner (64 against 64 ms of CPU from `ask` to its answer), and `keepNames` would cost 15 % of a batch row.
	minifySyntax: true,
	minifyWhitespace: true,
	// Node prints the line in which an uncaught error was thrown: that is to be a line, not a whole chunk.
	lineLimit: 160,
	legalComments: "none",
	metafile: true,
	inject: ["src/providers/web-globals.ts"],
	define: {
		"process.env.NODE_ENV": '"production"',
		"process.env.DEV": '"false"',
		"performance.now": "monotonicMs",
		"Intl.Segmenter": "LateSegmenter",
		// undici leaves its second HTTP/1 parser, an experiment, out of a bundle that says it is one.
		esbuildDetection: "true",
		LLMX_VERSION: JSON.stringify(version),
	},
	plugins,
	logLevel: "warning",
};

/** The library: ES modules, as whoever imports it has them. */
const libraryOptions: esbuild.BuildOptions = {
	...common,
	entryPoints: { index: "src/index.ts" },
	outdir: "dist",
	splitting: true,
	chunkNames: "chunks/[name]-[hash]",
};

/** The command line, whose chunks become scripts for src/launch/. */
const commandLineOptions: esbuild.BuildOptions = {
	...common,
	entryPoints: { main: "src/cli/main.ts" },
	outdir: "dist/cli",
	splitting: true,
	entryNames: "[name]-[hash]",
	chunkNames: "[name]-[hash]",
	outExtension: { ".js": ".cjs" },
	write: false,
	plugins: [...plugins, { name: "scripts", setup: (build) => build.onEnd(writeCommandLine) }],
};

/**
 * Each module of the source as an entry of its own, bundled as the others are: for tests of what neither the public face
 * nor the command line shows (vitest.built.config.ts). Tests replace what Node's modules export, and draw with the Ink
 * that they import: both stay outside. Not part of the package.
 */
const modulesOptions: esbuild.BuildOptions = {
	...common,
	entryPoints: globSync("src/**/*.{ts,tsx}", { cwd: root }),
	outbase: "src",
	outdir: "dist-modules",
	splitting: true,
	chunkNames: "chunks/[name]-[hash]",
	external: ["ink", "react"],
	banner: { js: 'import{createRequire}from"node:module";const require=createRequire(import.meta.url);' },
	plugins: [stubs, leanSdk, leanUndici, stringWidth, yoga],
};

/** The script and style of the page that `llmx report` writes: for browsers, each one file. */
const pageOptions: esbuild.BuildOptions = {
	absWorkingDir: root,
	entryPoints: { "report-page": "src/report/page/main.ts", "report-style": "src/report/page/page.css" },
	outdir: "dist",
	bundle: true,
	format: "iife",
	platform: "browser",
	target: ["chrome123", "firefox120", "safari17.5"],
	minify: true,
	legalComments: "none",
	metafile: true,
	logLevel: "warning",
};

/** Writes one file with the licence text of every package that a bundle contains. */
function writeLicences(...metafiles: esbuild.Metafile[]): void {
	const packages = new Set<string>();
	for (const input of metafiles.flatMap(({ inputs }) => Object.keys(inputs))) {
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
		for (const [, specifier] of readFileSync(file, "utf8").matchAll(/(?:from|import\()\s*"(\.[^"]+)"/g))
			pending.push(join(dirname(file), (specifier as string).replace(/\.[jt]s$/, ".d.ts")));
	}
	for (const file of globSync("**/*.d.ts", { cwd: types }))
		if (!reached.has(join(types, file))) rmSync(join(types, file));
}

/** Writes the scripts of the command line, and what loads them: it knows their start and a name for all of them. */
async function writeCommandLine({ outputFiles = [], errors }: esbuild.BuildResult): Promise<void> {
	if (errors.length > 0) return;
	// Every start loads `main`, every command what `ask` needs, and every request the agent.
	const { files, packed } = packScripts(await toScripts(outputFiles, common), ["main", "ask", "agent"]);
	const folder = join(dist, "cli");
	rmSync(folder, { recursive: true, force: true });
	mkdirSync(folder, { recursive: true });
	const build = createHash("sha256");
	for (const [name, text] of [...files].sort()) {
		writeFileSync(join(folder, name), text);
		build.update(name).update(text);
	}
	const start = [...files.keys()].find((name) => /^main-[^-]+\.cjs$/.test(name));
	await esbuild.build({
		...common,
		entryPoints: { main: "src/launch/main.ts" },
		outdir: "dist",
		// Node's loader of ES modules takes 1.5 ms to find and read one.
		format: "cjs",
		outExtension: { ".js": ".cjs" },
		define: {
			"import.meta.dirname": "__dirname",
			LLMX_START: JSON.stringify(start),
			LLMX_PACKED: JSON.stringify(packed),
			LLMX_BUILD: JSON.stringify(build.digest("hex").slice(0, 16)),
		},
	});
}

async function main(): Promise<void> {
	if (process.argv.includes("--watch")) {
		for (const watched of [libraryOptions, commandLineOptions, pageOptions]) {
			const unminified = { minify: false, minifySyntax: false, minifyWhitespace: false };
			await (await esbuild.context({ ...watched, ...unminified, logLevel: "info" })).watch();
		}
		return;
	}
	if (process.argv.includes("--modules")) {
		rmSync(join(root, modulesOptions.outdir as string), { recursive: true, force: true });
		await esbuild.build(modulesOptions);
		return;
	}
	rmSync(dist, { recursive: true, force: true });
	const library = await esbuild.build(libraryOptions);
	const commandLine = await esbuild.build(commandLineOptions);
	const page = await esbuild.build(pageOptions);
	writeLicences(...[library, commandLine, page].map(({ metafile }) => metafile as esbuild.Metafile));
	if (process.argv.includes("--metafile"))
		writeFileSync(join(dist, "metafile.json"), JSON.stringify(commandLine.metafile));
	if (!process.argv.includes("--no-types")) writeDeclarations();
	if (!existsSync(join(dist, "main.cjs"))) throw new Error(`no ${relative(root, dist)}/main.cjs was built`);
}

await main();
