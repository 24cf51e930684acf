import type { JobView } from "../../batch/jobs/job-view.ts";
import { isFinal } from "../../jobs/contract.ts";
import { formatCount, formatDuration, formatPlural } from "../../terminal/formats.ts";
import { sanitizeLine } from "../../terminal/sanitize.ts";
import type { Io } from "../io.ts";
import { LiveRegion } from "../live-region.ts";

const redrawEveryMs = 1_000;

/** One steady line on stderr about jobs that run elsewhere; off a terminal a line whenever something changed. */
export class JobProgress {
	readonly #io: Io;
	readonly #region: LiveRegion | undefined;
	#line: (now: number) => string = () => "";
	/** What the last printed line said, without what only time changes. */
	#printed = "";
	#timer: NodeJS.Timeout | undefined;

	constructor(io: Io, shown: boolean) {
		this.#io = io;
		this.#region = shown && io.stderr.isTTY && io.env.TERM !== "dumb" ? new LiveRegion(io.stderr) : undefined;
		if (!shown) this.show = () => {};
	}

	show(jobs: readonly JobView[], waitingParts: number): void {
		const seenAt = Date.now();
		this.#line = (now) => jobLine(jobs, waitingParts, now, now - seenAt);
		if (this.#region) {
			this.#timer ??= setInterval(() => this.#region?.draw([this.#line(Date.now())]), redrawEveryMs).unref();
			this.#region.draw([this.#line(seenAt)]);
			return;
		}
		const state = stateText(jobs, waitingParts);
		if (state === this.#printed || jobs.length === 0) return;
		this.#printed = state;
		this.#io.stderr.write(`llmx: ${this.#line(seenAt)}\n`);
	}

	/** Says something without disturbing the line. */
	log(text: string): void {
		if (this.#region) this.#region.log(text);
		else this.#io.stderr.write(`${text}\n`);
	}

	stop(): void {
		clearInterval(this.#timer);
		this.#region?.clear();
	}
}

/** `2 jobs · running · 1,200 of 3,000 rows · 12 min old, expires in 23 h · next check in 55 s`. */
function jobLine(jobs: readonly JobView[], waitingParts: number, now: number, sinceLookMs: number): string {
	if (jobs.length === 0) return "";
	const oldest = Math.min(...jobs.map(({ record }) => record.submittedAt));
	const expiries = jobs
		.map(({ status }) => (status === undefined || isFinal(status.state) ? null : status.expiresAt))
		.filter((at) => at !== null);
	const expiry = expiries.length > 0 ? `, expires in ${coarse(Math.min(...expiries) - now)}` : "";
	const nextMs = Math.min(...jobs.map(({ nextInMs }) => nextInMs)) - sinceLookMs;
	const trouble = jobs.find((job) => job.trouble !== undefined)?.trouble;
	return [
		stateText(jobs, waitingParts),
		`${coarse(now - oldest)} old${expiry}`,
		...(nextMs > 0 ? [`next check in ${formatDuration(nextMs, { coarse: true })}`] : []),
		...(trouble === undefined ? [] : [`last check failed: ${sanitizeLine(trouble)}`]),
	].join(" · ");
}

function coarse(ms: number): string {
	return formatDuration(Math.max(ms, 1_000), { coarse: true });
}

/** Counts and states: what is worth a line of its own when it changes. */
function stateText(jobs: readonly JobView[], waitingParts: number): string {
	const states = new Map<string, number>();
	for (const { status } of jobs) {
		const isKnown = status !== undefined && status.state !== "unknown";
		const word = isKnown ? status.state : sanitizeLine(status?.word.toLowerCase() || "submitted");
		states.set(word, (states.get(word) ?? 0) + 1);
	}
	const words = [...states].map(([word, count]) => (states.size === 1 ? word : `${count} ${word}`));
	const total = jobs.reduce((sum, { record }) => sum + record.rows, 0);
	const isCounted = jobs.some(({ status }) => status !== undefined && status.counts.succeeded !== null);
	const done = jobs.reduce(
		(sum, { status }) => sum + (status?.counts.succeeded ?? 0) + (status?.counts.failed ?? 0),
		0,
	);
	return [
		formatPlural(jobs.length, "job"),
		words.join(", "),
		isCounted ? `${formatCount(done)} of ${formatPlural(total, "row")}` : formatPlural(total, "row"),
		...(waitingParts > 0 ? [`${formatPlural(waitingParts, "more job")} waiting for room`] : []),
	].join(" · ");
}
