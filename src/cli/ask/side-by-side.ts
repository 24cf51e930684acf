import { AbortedError, LlmxError } from "../../errors.ts";
import { failureText } from "../../terminal/failure-text.ts";
import { usageLine } from "../../terminal/formats.ts";
import { sanitizeLine } from "../../terminal/sanitize.ts";
import type { Io } from "../io.ts";
import { writeMessage } from "../message.ts";
import { colorsFor, widthOf } from "./answer-writer.ts";
import { type AnswerJob, type AnswerListener, askOnce, hasSchema, isStreamed } from "./asking.ts";

/** Columns are drawn so often while they fill, in ms. */
const drawEvery = 100;

/**
 * Asks several models at once. Their answers grow beside each other in a live region, and are printed whole when all
 * are there.
 */
export async function printSideBySide(io: Io, jobs: readonly AnswerJob[]): Promise<number> {
	const [{ renderColumns }, { LiveRegion }, { indentJson }] = await Promise.all([
		import("../../terminal/columns.ts"),
		import("../live-region.ts"),
		import("../../terminal/indent-json.ts"),
	]);
	// The stars and underscores of JSON are no Markdown.
	const toMarkdown =
		({ options }: AnswerJob) =>
		(text: string) =>
			hasSchema(options) ? `\`\`\`\`json\n${indentJson(text)}\n\`\`\`\`` : text;
	const columns = jobs.map(({ llm }) => ({ title: sanitizeLine(llm.model), text: "", footer: "waiting" }));
	const style = { width: widthOf(io.stdout), colors: colorsFor(io, "stdout") };
	const region = new LiveRegion(io.stdout);
	let changed = true;
	const draw = () => {
		if (!changed) return;
		changed = false;
		const lines = renderColumns(columns, style).trimEnd().split("\n");
		const rows = Math.max(3, (io.stdout.rows ?? 24) - 2);
		// The titles and, of a long answer, the end that grows.
		region.draw(lines.length > rows ? [...lines.slice(0, 2), ...lines.slice(-(rows - 2))] : lines);
	};
	const timer = io.terminal === undefined ? undefined : setInterval(draw, drawEvery);
	const answers = await Promise.all(
		jobs.map(async (job, index) => {
			const column = columns[index] as (typeof columns)[number];
			const show = (change: Partial<typeof column>) => {
				Object.assign(column, change);
				changed = true;
			};
			const listener: AnswerListener = {
				onPart(part) {
					if (part.type === "text-delta") show({ text: column.text + part.text, footer: "answering" });
					else if (part.type === "reasoning-delta") show({ footer: "thinking" });
				},
				onRestart: () => show({ text: "", footer: "waiting" }),
			};
			const answered = await askOnce(job, isStreamed(job.options) ? listener : undefined);
			column.text = answered.ok
				? answered.result.texts.map(toMarkdown(job)).join("\n\n---\n\n")
				: answered.partialText;
			column.footer = answered.ok ? `✓ ${usageLine(answered.result)}` : "✗ failed";
			changed = true;
			return answered;
		}),
	);
	clearInterval(timer);
	region.clear();
	io.stdout.write(renderColumns(columns, style));
	let exitCode = 0;
	for (const [index, answered] of answers.entries())
		if (!answered.ok) {
			const failed = await sayFailure(io, columns[index]?.title ?? "", answered.error);
			exitCode ||= failed;
		}
	return exitCode;
}

/** Tells of one of several models that failed, and returns the exit code of that. */
export async function sayFailure(io: Io, model: string, error: unknown): Promise<number> {
	if (!(error instanceof LlmxError) || error instanceof AbortedError || io.stdout.gone.aborted) throw error;
	const hint = error.hint && sanitizeLine(error.hint);
	await writeMessage(io, `${model}: ${sanitizeLine(failureText(error))}`, hint);
	return error.exitCode;
}
