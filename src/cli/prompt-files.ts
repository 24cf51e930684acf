import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../state/config.ts";
import type { Paths } from "../state/paths.ts";

/**
 * The presets of the config, and the user's prompt files: `prompts/review.md` in the config folder is the preset
 * `review`, its text the prompt. The config wins where both have a name.
 */
export function presetsOf(config: Pick<Config, "presets">, paths: Pick<Paths, "prompts">): Config["presets"] {
	let files: string[];
	try {
		files = readdirSync(paths.prompts).filter((file) => /^[A-Za-z][\w-]{0,63}\.md$/.test(file));
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		if (code !== "ENOENT" && code !== "ENOTDIR") throw error;
		files = [];
	}
	const own = files.map((file) => [
		file.slice(0, -".md".length),
		{ prompt: readFileSync(join(paths.prompts, file), "utf8").trim(), parameters: {}, variables: {} },
	]);
	return { ...(Object.fromEntries(own) as Config["presets"]), ...config.presets };
}
