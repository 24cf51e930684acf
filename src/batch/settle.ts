import type { Checked } from "../results/checked.ts";
import { arrangeSuperseded } from "../results/superseded.ts";
import { type CheckOptions, checkPrompts } from "./check.ts";

/**
 * Sees to it that the results hold answers of the input alone, before new ones are added: others are set aside, and
 * those that were set aside earlier and are asked for again come back. Returns what is so afterwards.
 * @throws LlmxError when a file cannot be written, or UsageError when it was changed meanwhile
 */
export function settleResults(options: CheckOptions, checked: Checked): Checked {
	const { files, output, format, prompts } = options;
	const { staleResults, superseded, index } = checked;
	if (output === undefined || (staleResults === 0 && superseded.wanted === 0)) return checked;
	arrangeSuperseded({ files, output, format, prompts, index }, checked.results, superseded);
	return { ...checkPrompts({ ...options, onRow: undefined }), staleResults };
}
