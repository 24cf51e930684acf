/** The line below the input: what matters most, as far as there is room. */

import type { Colors } from "../terminal/colors.ts";
import { formatCost, formatTokens, formatUsd } from "../terminal/formats.ts";
import { sanitizeLine } from "../terminal/sanitize.ts";
import { textWidth, truncateText } from "../terminal/width.ts";
import type { ScreenState, StatusFacts } from "./state.ts";

interface Segment {
	readonly text: string;
	/** What is enough of it when there is too little room. */
	readonly short?: string;
	/** The least important goes first when there is too little room. */
	readonly weight: number;
}

const separator = " · ";

/** One line of at most `room` columns. */
export function statusLine(state: ScreenState, colors: Colors, room: number): string {
	const { status, hint, search, retry, now } = state;
	if (search !== undefined) return colors.cyan(truncateText(`search: ${sanitizeLine(search)}`, room));
	if (retry !== undefined) {
		const seconds = Math.max(0, Math.ceil((retry.until - now) / 1000));
		const text = `trying again in ${seconds} s${separator}Esc cancels${separator}${sanitizeLine(retry.reason)}`;
		return colors.bold(truncateText(text, room));
	}
	if (hint !== undefined) return colors.bold(truncateText(hint, room));
	return status === undefined ? "" : colors.dim(fitSegments(segmentsOf(status), room));
}

function segmentsOf(status: StatusFacts): Segment[] {
	const { contextTokens, contextWindow, turnCostUsd, turnTokens, turnCached, cacheMode } = status;
	const segments: Segment[] = [{ text: sanitizeLine(status.model), weight: 9 }];
	if (contextTokens > 0) {
		const of = contextWindow === null ? " tokens" : ` of ${formatTokens(contextWindow)}`;
		segments.push({ text: formatTokens(contextTokens) + of, weight: 7 });
	}
	if (turnCostUsd !== undefined) {
		const cost = turnCached ? "cached" : turnCostUsd === null ? "cost unknown" : formatUsd(turnCostUsd);
		const tokens = turnTokens === undefined ? "" : `, ${formatTokens(turnTokens)} tokens`;
		segments.push({ text: `turn ${cost}${tokens}`, short: `turn ${cost}`, weight: turnCached ? 6 : 4 });
	}
	if (status.sessionTokens > 0 || status.sessionCost.unknownCalls > 0) {
		const cost = formatCost(status.sessionCost);
		const tokens = `${formatTokens(status.sessionTokens)} tokens`;
		segments.push({ text: `session ${cost}, ${tokens}`, short: cost, weight: 8 });
	}
	if (cacheMode !== "on") segments.push({ text: `cache ${cacheMode}`, weight: 3 });
	segments.push({ text: sanitizeLine(status.session), weight: 5 }, { text: "/help", weight: 1 });
	return segments;
}

function fitSegments(segments: readonly Segment[], room: number): string {
	const kept = [...segments];
	const fits = () => textWidth(kept.map(({ text }) => text).join(separator)) <= room;
	const byWeight = segments.toSorted((a, b) => a.weight - b.weight);
	for (const segment of byWeight) {
		if (fits()) break;
		const { short, weight } = segment;
		if (short !== undefined) kept[kept.indexOf(segment)] = { text: short, weight };
	}
	while (kept.length > 1 && !fits()) {
		const least = Math.min(...kept.map(({ weight }) => weight));
		kept.splice(
			kept.findIndex(({ weight }) => weight === least),
			1,
		);
	}
	return truncateText(kept.map(({ text }) => text).join(separator), room);
}
