import { resolve } from "node:path";
import { UsageError } from "../../../errors.ts";
import { decodeInput } from "../../../prompts/decode.ts";
import { type InputFormat, openInput } from "../../../prompts/input.ts";
import { createReader } from "../../../prompts/reader.ts";
import { idOf } from "../../../prompts/row-id.ts";
import { mergeResults } from "../../../results/merge.ts";
import { type OutputFormat, recordFormats } from "../../../results/records.ts";
import { systemFiles } from "../../../state/file-system.ts";
import { formatCount, formatPlural } from "../../../terminal/formats.ts";
import { sanitizeLine } from "../../../terminal/sanitize.ts";
import type { CommandContext } from "../../command.ts";
import type { Io } from "../../io.ts";
import { OutputClaim } from "../claim.ts";
import { checkWritable, isSameFile, type NamedPath } from "../target.ts";

/** What commander collects for `batch merge`. */
export interface MergeFlags {
	readonly output: string;
	readonly input?: string;
	readonly format?: InputFormat;
	readonly outFormat: OutputFormat;
	readonly allowMissing?: boolean;
	readonly overwrite?: boolean;
	/** False for `--no-id`. */
	readonly id?: string | false;
}

/** Runs `llmx batch merge`. */
export async function runMerge(
	sources: readonly string[],
	flags: MergeFlags,
	{ io }: CommandContext,
): Promise<void> {
	const named = (name: string) => ({ name, path: systemFiles.resolve(resolve(io.cwd, name)) });
	const target = named(flags.output);
	const parts = sources.map(named);
	if (parts.some(({ path }) => isSameFile(path, target.path)))
		throw new UsageError(`${flags.output} is one of the input files`, {
			hint: "choose another file with -o",
		});
	if (flags.input !== undefined && isSameFile(resolve(io.cwd, flags.input), target.path))
		throw new UsageError(`${flags.output} is the prompts file itself`, {
			hint: "choose another file with -o",
		});
	checkWritable(target);
	if (!flags.overwrite && systemFiles.factsOf(target.path)?.size)
		throw new UsageError(`${flags.output} already exists`, { hint: "use --overwrite to replace it" });
	const claim = await OutputClaim.take([target]);
	try {
		await merge(parts, target, flags, io);
	} finally {
		await claim.release();
	}
}

async function merge(
	parts: readonly NamedPath[],
	target: NamedPath,
	flags: MergeFlags,
	io: Io,
): Promise<void> {
	const report = mergeResults({
		files: systemFiles,
		sources: parts,
		target,
		format: recordFormats[flags.outFormat],
		ids:
			flags.input === undefined ? undefined : await readIds(resolve(io.cwd, flags.input), flags.input, flags),
		allowMissing: flags.allowMissing ?? false,
		random: Math.random,
	});
	const models = report.models.length > 1 ? ` of ${formatPlural(report.models.length, "model")}` : "";
	const judged = {
		prompts: "no row of the prompts is missing",
		numbers: "no number is missing",
		nothing: "pass the prompts with --input FILE to find missing rows",
	}[report.judgedBy];
	const missing = report.missing > 0 ? `${formatCount(report.missing)} missing` : judged;
	const text = `${formatPlural(report.records, "result")}${models}, each once; ${missing} → ${flags.output}`;
	io.stderr.write(`${sanitizeLine(text)}\n`);
}

async function readIds(path: string, name: string, { format, id }: MergeFlags): Promise<Iterable<string>> {
	const input = await decodeInput(systemFiles, openInput(systemFiles, path, name, format));
	const read = await createReader(systemFiles, input);
	return (function* () {
		try {
			for (const raw of read()) {
				if (raw.problem !== undefined) throw new UsageError(`${name}:${raw.line}: ${raw.problem}`);
				if (raw.note === undefined) yield idOf(raw, id);
			}
		} finally {
			systemFiles.close(input.file);
		}
	})();
}
