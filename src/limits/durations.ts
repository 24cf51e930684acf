/** Waiting times as servers write them. Everything here takes hostile text: no pattern backtracks. */

const unitMs: Readonly<Record<string, number>> = {
	ns: 1e-6,
	us: 1e-3,
	µs: 1e-3,
	μs: 1e-3,
	ms: 1,
	millisecond: 1,
	milliseconds: 1,
	s: 1_000,
	sec: 1_000,
	secs: 1_000,
	second: 1_000,
	seconds: 1_000,
	m: 60_000,
	min: 60_000,
	mins: 60_000,
	minute: 60_000,
	minutes: 60_000,
	h: 3_600_000,
	hour: 3_600_000,
	hours: 3_600_000,
	d: 86_400_000,
	day: 86_400_000,
	days: 86_400_000,
};

/**
 * Sums the "1h", "2m30s", "1.5 seconds" that stand in `text` from `start` on; returns ms and where they end, or
 * undefined when none stands there.
 */
export function durationAt(text: string, start: number): { ms: number; end: number } | undefined {
	const amount = /\s{0,4}(\d{1,15}(?:\.\d{0,15})?)\s{0,4}([a-zµμ]{1,12})(?![a-zµμ])/iy;
	const packed = /\s{0,4}(\d{1,15}(?:\.\d{0,15})?)(ns|us|µs|μs|ms|s|m|h|d)(?=\d)/iy;
	let ms = 0;
	let end = start;
	for (;;) {
		packed.lastIndex = end;
		amount.lastIndex = end;
		const match = packed.exec(text) ?? amount.exec(text);
		const unit = match?.[2] === undefined ? undefined : unitMs[match[2].toLowerCase()];
		if (match === null || unit === undefined) break;
		ms += Number(match[1]) * unit;
		end += match[0].length;
	}
	return end === start ? undefined : { ms, end };
}

/** A whole text as a duration: Go's ("6m0s", "17.39s", "900ms"). Undefined for anything else. */
export function parseDuration(text: string): number | undefined {
	const trimmed = text.trim();
	if (trimmed.length > 64) return undefined;
	const duration = durationAt(trimmed, 0);
	return duration?.end === trimmed.length ? duration.ms : undefined;
}

/** A non-negative decimal number, and nothing else in the text. */
export function parseNumber(text: string): number | undefined {
	const trimmed = text.trim();
	return /^\d{1,20}(?:\.\d{0,20})?$/.test(trimmed) ? Number(trimmed) : undefined;
}

export interface ResetContext {
	/** What a bare number counts. */
	readonly unit: "s" | "ms";
	/** Wall clock of the server if known, else ours, in epoch ms. */
	readonly nowMs: number;
}

/**
 * The time until a reset in ms, from any way a server writes it: a Go duration, a bare number, a moment in epoch
 * seconds or ms (told by its size), or a date. May be negative for a moment that has passed.
 */
export function parseReset(text: string, { unit, nowMs }: ResetContext): number | undefined {
	const number = parseNumber(text);
	if (number !== undefined) {
		if (number >= 1e12) return number - nowMs;
		if (number >= 1e9) return number * 1_000 - nowMs;
		return unit === "ms" ? number : number * 1_000;
	}
	return parseDuration(text) ?? parseMoment(text, nowMs);
}

/** Time from `nowMs` to an HTTP date or RFC 3339 moment. */
export function parseMoment(text: string, nowMs: number): number | undefined {
	// Date.parse reads stray numbers and words as dates too; real ones hold a clock time.
	if (text.length > 64 || !/\d\d:\d\d/.test(text)) return undefined;
	const at = Date.parse(text);
	return Number.isNaN(at) ? undefined : at - nowMs;
}

/** The server's own clock from its Date header, so that a wrong clock on our side does no harm. */
export function serverNow(headers: Readonly<Record<string, string>>, nowMs: number): number {
	const at = headers.date === undefined ? Number.NaN : Date.parse(headers.date);
	return Number.isNaN(at) ? nowMs : at;
}
