import type { TimelineJson } from "../../batch/timeline.ts";
import type { PromptsFile } from "../../prompts/prompts-file.ts";
import { promptTexts } from "../../report/prompt-texts.ts";
import { systemFiles } from "../../state/file-system.ts";
import { sanitizeLine } from "../../terminal/sanitize.ts";
import type { BatchFlags } from "../batch/flags.ts";
import type { NamedPath, Target } from "../batch/target.ts";
import type { CommandContext } from "../command.ts";
import { reportSources } from "./report.ts";

/** A run that has ended, as far as its report is concerned. */
export interface ReportedRun {
	readonly context: CommandContext;
	readonly flags: BatchFlags;
	/** The prompts file as people named it. */
	readonly source: string;
	readonly target: Target;
	readonly prompts: PromptsFile;
}

/** Writes the page of a run that has ended, with its prompts and its throughput, and says where. */
export async function writeBatchReport(
	run: ReportedRun,
	page: NamedPath,
	timeline: TimelineJson,
): Promise<void> {
	const { context, target, prompts, source, flags } = run;
	const { io } = context;
	const { writeReport } = await import("../../report/write.ts");
	const texts = promptTexts(prompts);
	writeReport({
		files: systemFiles,
		sources: reportSources(io, target.name),
		...page,
		title: source,
		timeline,
		promptOf: texts && ((id) => texts.get(id)),
		now: new Date(),
	});
	if (!flags.quiet) io.stderr.write(`${sanitizeLine(`report    ${page.name}`)}\n`);
}
