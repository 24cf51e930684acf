import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

/** What is there of the peers. */
export interface Installed {
	readonly folder: string;
	/** The folder of an npm package, in the project of this name. */
	npm(project: "js" | "promptfoo", name: string): string | undefined;
	/** The Python that has a module. */
	python(module: string): string | undefined;
	program(name: string): string | undefined;
}

const npmProjects = {
	js: [
		"undici",
		"openai",
		"p-limit",
		"ai",
		"@ai-sdk/openai-compatible",
		"@langchain/openai",
		"@langchain/core",
	],
	promptfoo: ["promptfoo"],
};
const pythonPackages = ["litellm", "llm", "inspect_ai", "openai"];

/** Finds what was installed into a folder; llm, aichat and mods may be anywhere on the PATH too. */
export function findInstalled(folder: string): Installed {
	if (existsSync(join(folder, "js")))
		copyFileSync(fileURLToPath(new URL("client.mjs", import.meta.url)), join(folder, "js/client.mjs"));
	const isThere = (path: string) => (existsSync(path) ? path : undefined);
	const ownPython = join(folder, "python/bin/python");
	const pythons = new Map<string, string | undefined>();
	return {
		folder,
		npm: (project, name) => isThere(join(folder, project, "node_modules", name)),
		python(module) {
			if (!pythons.has(module)) {
				const look = `import importlib.util, sys; sys.exit(importlib.util.find_spec(${JSON.stringify(module)}) is None)`;
				const found = spawnSync(ownPython, ["-c", look], { stdio: "ignore" }).status === 0;
				pythons.set(module, found ? ownPython : undefined);
			}
			return pythons.get(module);
		},
		program(name) {
			const folders = [
				join(folder, "bin"),
				join(folder, "python/bin"),
				...(process.env.PATH ?? "").split(delimiter),
			];
			return folders.map((path) => join(path, name)).find((path) => existsSync(path));
		},
	};
}

/** Installs what is missing, by npm, pip and cargo and go where there are such. Says what it does, and what fails. */
export function install(folder: string): void {
	mkdirSync(join(folder, "bin"), { recursive: true });
	const { npm, python, program } = findInstalled(folder);
	const run = (what: string, [command, ...args]: readonly [string, ...string[]], env = {}) => {
		const startedAt = performance.now();
		console.log(`installing ${what}: ${command} ${args.join(" ")}`);
		const { status } = spawnSync(command, args, {
			stdio: ["ignore", "ignore", "inherit"],
			timeout: 1_800_000,
			env: { ...process.env, ...env },
		});
		const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0);
		console.log(
			status === 0 ? `installed ${what} in ${seconds} s` : `could not install ${what} (${seconds} s)`,
		);
		return status === 0;
	};
	for (const project of Object.keys(npmProjects) as (keyof typeof npmProjects)[]) {
		const names = npmProjects[project];
		if (names.every((name) => npm(project, name) !== undefined)) continue;
		const flags = ["--no-audit", "--no-fund", "--ignore-scripts", "--prefix", join(folder, project)];
		run(names.join(", "), ["npm", "install", ...flags, ...names]);
	}
	if (!pythonPackages.every((name) => python(name) !== undefined)) {
		const made = run("a Python", ["python3", "-m", "venv", join(folder, "python")]);
		const pip = ["-m", "pip", "install", "--quiet", ...pythonPackages];
		if (made) run(pythonPackages.join(", "), [join(folder, "python/bin/python"), ...pip]);
	}
	if (program("aichat") === undefined)
		run("aichat", ["cargo", "install", "aichat", "--locked", "--quiet", "--root", folder]);
	if (program("mods") === undefined)
		run("mods", ["go", "install", "github.com/charmbracelet/mods@latest"], {
			GOBIN: join(folder, "bin"),
			GOPATH: join(folder, "go"),
		});
}
