import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Something that is installed. */
export interface Found {
	/** The folder of an npm package, the Python that has a module, or a program. */
	readonly path: string;
	/** Its name and version. */
	readonly version: () => string;
}

/** What is there of the peers. */
export interface Installed {
	npm(project: keyof typeof npmProjects, name: string): Found | undefined;
	python(module: string): Found | undefined;
	program(name: string): Found | undefined;
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

/** Finds what was installed into a folder; programs may be anywhere on the PATH too. */
export function findInstalled(folder: string): Installed {
	if (existsSync(join(folder, "js")))
		copyFileSync(fileURLToPath(new URL("client.mjs", import.meta.url)), join(folder, "js/client.mjs"));
	const said = (command: string, ...args: string[]) => spawnSync(command, args, { encoding: "utf8" });
	return {
		npm(project, name) {
			const path = join(folder, project, "node_modules", name);
			const manifest = join(path, "package.json");
			const version = () => (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version;
			return existsSync(manifest) ? { path, version: () => `${name} ${version()}` } : undefined;
		},
		python(module) {
			const path = join(folder, "python/bin/python");
			const look = `import importlib.metadata as m; print(m.version("${module}"))`;
			const { status, stdout } = said(path, "-c", look);
			return status === 0 ? { path, version: () => `${module} ${stdout.trim()}` } : undefined;
		},
		program(name) {
			const folders = [join(folder, "bin"), ...(process.env.PATH ?? "").split(delimiter)];
			const path = folders.map((one) => join(one, name)).find((one) => existsSync(one));
			return path === undefined ? undefined : { path, version: () => said(path, "--version").stdout.trim() };
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
