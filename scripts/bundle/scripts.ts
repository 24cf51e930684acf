import { basename } from "node:path";
import * as esbuild from "esbuild";

/** What src/launch/chunks.ts calls a chunk with. */
const parameters = "exports,require,__exports,__load,__evaluate,__meta";

/**
 * Makes scripts of the chunks of an ES module build: functions that `src/launch/chunks.ts` calls, because V8 gives code
 * caches that hold what a run has compiled for scripts only.
 * @returns the text of each by its file's name
 * @throws Error when esbuild writes its chunks in another form than is known here
 */
export async function toScripts(
	files: readonly esbuild.OutputFile[],
	{ target, lineLimit }: Pick<esbuild.BuildOptions, "target" | "lineLimit">,
): Promise<Map<string, string>> {
	const common: esbuild.TransformOptions = {
		...(target !== undefined && { target }),
		...(lineLimit !== undefined && { lineLimit }),
		minifyWhitespace: true,
		legalComments: "none",
		define: { "import.meta.url": "__meta.url" },
		logLevel: "silent",
	};
	const names = files.map(({ path }) => basename(path));
	const scripts = new Map<string, string>();
	for (const { path, text } of files) {
		const body = withLoads(withExports(text, path), names, path);
		const toCommonJs = async (module: string): Promise<string> => {
			const { code } = await esbuild.transform(module, { ...common, format: "cjs" });
			return `(function(${parameters}){${code}})`;
		};
		const code = await toCommonJs(body).catch((error: esbuild.TransformFailure) => {
			if (!error.errors.every(({ text }) => text.startsWith("Top-level await"))) throw error;
			return toCommonJs(withEvaluation(body));
		});
		// The launcher takes a file's bytes as characters; what esbuild leaves as it is stands in regular expressions.
		const ascii = code.replaceAll(/[^\0-\x7f]/g, escapeCharacter);
		scripts.set(basename(path), ascii);
	}
	return scripts;
}

/** `export{a as b}` at the end becomes a getter for each name: some are set later than the chunk is evaluated. */
function withExports(text: string, path: string): string {
	let count = 0;
	const body = text.replace(/\bexport\s*\{([^{}]*)\};?\s*$/, (_, list: string) => {
		count += 1;
		const getters = list.split(",").map((item) => {
			const [local, exported = local] = item.trim().split(/\s+as\s+/);
			return `${exported}:()=>${local}`;
		});
		return `__exports({${getters.join(",")}});`;
	});
	if (count === 0 && /\bexport\s*\{/.test(text)) throw new Error(`${path} does not end with its exports`);
	return body;
}

function escapeCharacter(character: string): string {
	return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** `import("./chunk.js")` becomes a call of the launcher, and so does that of a module of Node. */
function withLoads(text: string, names: readonly string[], path: string): string {
	return text.replace(/\bimport\(\s*"(\.\/|node:)([^"]+)"\s*\)/g, (_, where: string, name: string) => {
		if (where === "./" && !names.includes(name))
			throw new Error(`${path} loads ${name}, which was not built`);
		return `__load("${where}${name}")`;
	});
}

/** What awaits something while it is evaluated is evaluated by the launcher, after what it imports. */
function withEvaluation(text: string): string {
	const imports: string[] = [];
	const body = text.replace(/(?<=^|[;\n])import\s*(?:\{[^{}]*\}\s*from\s*)?"\.\/[^"]+";?/g, (found) => {
		imports.push(found);
		return "";
	});
	return `${imports.join("\n")}\n__evaluate(async()=>{${body}\n});`;
}

/** Files of scripts, and in which of them a script is that has no file of its own name. */
export interface PackedScripts {
	readonly files: ReadonlyMap<string, string>;
	readonly packed: Readonly<Record<string, string>>;
}

/**
 * Puts together what is loaded together, for each file takes 0.2 ms: a script that is named in `roots`, by the start of
 * its name, and all that it requires and no root before it does. The others get a file each.
 */
export function packScripts(scripts: ReadonlyMap<string, string>, roots: readonly string[]): PackedScripts {
	const files = new Map<string, string>();
	const packed: Record<string, string> = {};
	const isPacked = new Set<string>();
	const pack = (file: string, names: readonly string[]) => {
		const members = names.map((name) => `${JSON.stringify(`./${name}`)}:${scripts.get(name)}`);
		files.set(file, `({${members.join(",\n")}})\n`);
		for (const name of names) {
			isPacked.add(name);
			if (name !== file) packed[`./${name}`] = `./${file}`;
		}
	};
	const requiredBy = (name: string, found: Set<string>): Set<string> => {
		if (found.has(name) || isPacked.has(name)) return found;
		found.add(name);
		for (const [, other] of (scripts.get(name) ?? "").matchAll(/\brequire\("\.\/([^"]+)"\)/g))
			requiredBy(other as string, found);
		return found;
	};
	for (const root of roots) {
		const [file, ...others] = [...scripts.keys()].filter((name) => name.replace(/-[^-]+$/, "") === root);
		if (file === undefined || others.length > 0) throw new Error(`not one script is called ${root}`);
		pack(file, [...requiredBy(file, new Set())]);
	}
	for (const name of scripts.keys()) if (!isPacked.has(name)) pack(name, [name]);
	return { files, packed };
}
