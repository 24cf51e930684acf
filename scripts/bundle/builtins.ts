import { readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import type { Plugin } from "esbuild";

/** undici calls it as a function only; the real one brings a diff of values and the colours of a terminal along. */
const smallAssert = `module.exports = function assert(value, message) {
	if (!value) throw message instanceof Error ? message : new Error(message ?? "assertion failed");
};`;

/**
 * Importing a builtin as an ES module costs 3-6 ms each, for Node builds a facade for it; getBuiltinModule costs
 * nothing. Each importer gets just the names it imports, because reading a lazy one (`util.diff`) loads what is behind
 * it. commander imports child_process for executable subcommands, of which we have none: never load it.
 */
export const builtins: Plugin = {
	name: "builtins",
	setup(build) {
		build.onResolve({ filter: /^[a-z0-9_:/]+$/ }, ({ path, importer, kind }) => {
			// What `await import("node:x")` gives has live named exports; leave it to Node.
			if (!isBuiltin(path) || kind === "dynamic-import") return undefined;
			const id = path.startsWith("node:") ? path : `node:${path}`;
			// Named after the importer too, for what two chunks share becomes a third.
			const resolved = { path: `${id}?${importer}`, namespace: "builtin" };
			const get = id === "node:process" ? "process" : `process.getBuiltinModule(${JSON.stringify(id)})`;
			if (kind === "require-call") {
				const small = id === "node:assert" && importer.includes("/undici/");
				return { ...resolved, pluginData: small ? smallAssert : `module.exports = ${get};` };
			}
			const unused = id === "node:child_process" && importer.includes("/commander/");
			const names = unused ? [] : importedNames(readFileSync(importer, "utf8"), path);
			const exports = names.map((name) => `export const ${name} = builtin.${name};`);
			const contents = [
				`const builtin = ${unused ? "{}" : get};`,
				...exports,
				"export default builtin;",
			].join("\n");
			return { ...resolved, pluginData: contents };
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
