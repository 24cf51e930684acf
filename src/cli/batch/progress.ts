import type { ModelRun } from "../../batch/run.ts";
import { RunStats } from "../../batch/run-stats.ts";
import type { Colors } from "../../terminal/colors.ts";
import { sanitizeLine } from "../../terminal/sanitize.ts";
import type { Io } from "../io.ts";
import { LiveRegion } from "../live-region.ts";
import { Eta, RateMeter } from "./rate-meter.ts";
import { type BatchView, type PaceView, progressLine, progressLines } from "./view.ts";

const redrawEveryMs = 125;
const lineEveryMs = 10_000;

export interface ProgressOptions {
	readonly io: Io;
	readonly colors: Colors;
	readonly source: string;
	readonly target: string;
	readonly modelRuns: readonly ModelRun[];
	readonly total: number;
	readonly capUsd: number | undefined;
	readonly pace: () => PaceView | undefined;
	/** Monotonic ms. */
	readonly now: () => number;
	/** False with `--quiet`. */
	readonly shown: boolean;
}

/** Shows progress on stderr: a group of lines that is redrawn on a terminal, otherwise a line now and then. */
export class BatchProgress {
	readonly #options: ProgressOptions;
	readonly #region: LiveRegion | undefined;
	readonly #requests: RateMeter;
	readonly #tokens: RateMeter;
	readonly #eta: Eta;
	#paused: { readonly until: number; readonly why: string } | undefined;
	#seen = { requests: 0, tokens: 0 };
	#timer: NodeJS.Timeout | undefined;

	constructor(options: ProgressOptions) {
		const { io, now } = options;
		this.#options = options;
		// Two writers on one screen would tear the group apart.
		const isAlone = !io.stdout.isTTY || options.target !== "-";
		const isLive = io.stderr.isTTY && io.env.TERM !== "dumb" && isAlone;
		this.#region = isLive ? new LiveRegion(io.stderr) : undefined;
		this.#requests = new RateMeter(now);
		this.#tokens = new RateMeter(now);
		this.#eta = new Eta(now);
	}

	start(): void {
		if (!this.#options.shown) return;
		if (this.#region) this.#draw();
		this.#timer = setInterval(() => this.#draw(), this.#region ? redrawEveryMs : lineEveryMs);
		this.#timer.unref();
	}

	/** Tells something without disturbing the lines. */
	log(text: string): void {
		if (this.#region) this.#region.log(text);
		else this.#options.io.stderr.write(`${text}\n`);
	}

	/** Nothing is sent for `ms`, because most requests fail, as `why` says. */
	pause(ms: number, why: string): void {
		this.#paused = { until: this.#options.now() + ms, why };
	}

	stop(): void {
		clearInterval(this.#timer);
		this.#region?.clear();
	}

	#draw(): void {
		const { io, colors } = this.#options;
		const view = this.#view();
		if (this.#region) this.#region.draw(progressLines(view, io.stderr.columns ?? 80, colors));
		else io.stderr.write(`llmx: ${progressLine(view)}\n`);
	}

	#view(): BatchView {
		const { modelRuns, total, source, target, capUsd, pace, now } = this.#options;
		const stats = RunStats.sum(modelRuns.map(({ stats }) => stats));
		const seen = {
			requests: stats.requests,
			tokens: stats.inputTokens + stats.outputTokens,
		};
		this.#requests.add(seen.requests - this.#seen.requests);
		this.#tokens.add(seen.tokens - this.#seen.tokens);
		this.#seen = seen;
		this.#eta.note(stats.finished);
		const held = pace();
		const outageMs = (this.#paused?.until ?? 0) - now();
		const pausedMs = Math.max(0, outageMs, held?.pausedMs ?? 0);
		const limit = held?.requestsPerMinute ?? null;
		return {
			source: sanitizeLine(source),
			target: sanitizeLine(target),
			models: modelRuns.map(({ model, stats }) => ({ model: sanitizeLine(model), stats })),
			total,
			stats,
			requestsPerMinute: this.#requests.perMinute,
			tokensPerMinute: this.#tokens.perMinute,
			leftMs: this.#eta.leftMs(total - stats.finished, limit, pausedMs),
			pace: held,
			pause:
				pausedMs > 0 ? { ms: pausedMs, why: outageMs > 0 ? (this.#paused?.why ?? "") : null } : undefined,
			capUsd,
		};
	}
}
