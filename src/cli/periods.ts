import { InvalidArgumentError } from "commander";

const dayMs = 86_400_000;
const units: Readonly<Record<string, number>> = { h: 3_600_000, d: dayMs, w: 7 * dayMs };

/** A length of time such as `12h`, `30d` or `2w`, in ms; for commander. */
export function parseAge(text: string): number {
	const match = /^(\d+(?:\.\d+)?)\s*([hdw])$/.exec(text.trim());
	if (match === null) throw new InvalidArgumentError("It must be a time such as 12h, 30d or 2w.");
	return Number(match[1]) * (units[match[2] as string] as number);
}

/**
 * The beginning of a period: `7d` is the last seven days it, `2w` and `1m` (30 days) likewise, `12h` the
 * last twelve hours; also `today`, `yesterday`, `month` (this calendar month), and a day as 2026-11-22. Days are
 * those of this machine's time zone. Returns ms since 1970.
 */
export function parseSince(text: string, now: number): number {
	const wanted = text.trim().toLowerCase();
	const today = startOfDay(now);
	if (wanted === "today") return today;
	if (wanted === "yesterday") return startOfDay(today - dayMs / 2);
	if (wanted === "month") return new Date(new Date(now).getFullYear(), new Date(now).getMonth(), 1).getTime();
	const match = /^(\d{1,5})\s*([hdwm])$/.exec(wanted);
	if (match !== null) {
		const count = Number(match[1]);
		if (match[2] === "h") return now - count * 3_600_000;
		const days = count * ({ d: 1, w: 7, m: 30 }[match[2] as "d" | "w" | "m"] ?? 1);
		const day = new Date(today);
		day.setDate(day.getDate() - Math.max(0, days - 1));
		return day.getTime();
	}
	return parseDay(wanted, "It must be a time such as 7d, 12h, today, month or 2026-11-22.");
}

/** The midnight at which a day such as 2026-11-22 begins here, in ms since 1970; for commander. */
export function parseDay(text: string, complaint = "It must be a day such as 2026-11-22."): number {
	const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text.trim());
	const date =
		match === null ? undefined : new Date(Number(match[1]), Number(match[2]) - 1, Number(match[3]));
	if (
		date === undefined ||
		date.getDate() !== Number(match?.[3]) ||
		date.getMonth() !== Number(match?.[2]) - 1
	)
		throw new InvalidArgumentError(complaint);
	return date.getTime();
}

/** The midnight after a day. */
export function dayAfter(midnight: number): number {
	const date = new Date(midnight);
	date.setDate(date.getDate() + 1);
	return date.getTime();
}

function startOfDay(time: number): number {
	return new Date(time).setHours(0, 0, 0, 0);
}
