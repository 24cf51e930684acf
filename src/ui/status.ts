/** The line below the input: what matters most, as far as there is room. */

import { nearlyFull } from "../chat/context.ts";
import type { Colors, Style } from "../terminal/colors.ts";
import { formatCostBrief, formatTokens, formatUsd } from "../terminal/formats.ts";
import { sanitizeLine } from "../terminal/sanitize.ts";
import { textWidth, truncateText } from "../terminal/width.ts";
import type { NextQuestion, ScreenState, StatusFacts } from "./state.ts";

interface Segment {
	readonly text: string;
	/** What is enough of it when there is too little room, the longest first. */
	readonly shorter?: readonly string[];
	readonly style: Style;
	/** The least important goes first when there is too little room. */
	readonly weight: number;
}

const separator = " · ";
const barWidth = 8;
const longestTitle = 32;
const shortestTitle = 12;
const shortestModel = 18;

/** One line of at most `room` columns. */
export function statusLine(state: ScreenState, colors: Colors, room: number): string {
	const { status, hint, search, retry, now, next } = state;
	if (search !== undefined) return colors.cyan(truncateText(`search: ${sanitizeLine(search)}`, room));
	if (retry !== undefined) {
		const seconds = Math.max(0, Math.ceil((retry.until - now) / 1000));
		const text = `trying again in ${seconds} s${separator}Esc cancels${separator}${sanitizeLine(retry.reason)}`;
		return colors.bold(truncateText(text, room));
	}
	if (hint !== undefined) return colors.bold(truncateText(hint, room));
	if (status === undefined) return "";
	if (next !== undefined) return nextLine(next, status, colors, room);
	return fitSegments(segmentsOf(status, colors), room, colors);
}

/** What the question in the box will take, before it is sent. */
function nextLine(
	{ tokens, inputUsd, contextWindow }: NextQuestion,
	status: StatusFacts,
	colors: Colors,
	room: number,
): string {
	const share = contextWindow === null ? 0 : tokens / contextWindow;
	const price =
		inputUsd === null ? "price unknown" : inputUsd === 0 ? "free" : `about ${formatUsd(inputUsd)} + answer`;
	const filled =
		contextWindow === null
			? []
			: [`${percent(share)} of ${sanitizeLine(status.model)}'s window`, `${percent(share)} full`];
	const style = share > 1 ? colors.red : share >= nearlyFull ? colors.yellow : colors.cyan;
	const candidates = [
		[`next: ≈ ${formatTokens(tokens)} tokens, ${price}`, ...filled.slice(0, 1)],
		[`next: ≈ ${formatTokens(tokens)} tokens, ${price}`, ...filled.slice(1)],
		[`≈ ${formatTokens(tokens)} tok, ${price}`],
	].map((parts) => parts.join(separator));
	return style(
		truncateText(candidates.find((text) => textWidth(text) <= room) ?? candidates.at(-1) ?? "", room),
	);
}

function segmentsOf(status: StatusFacts, colors: Colors): Segment[] {
	const { contextTokens, contextWindow, turnCost, isCached, title } = status;
	const plain: Style = (text) => text;
	const model = sanitizeLine(status.model);
	const bare = model.slice(model.lastIndexOf("/") + 1);
	const segments: Segment[] = [
		{ text: model, shorter: [bare, truncateText(bare, shortestModel)], style: plain, weight: 9 },
	];
	if (contextTokens > 0 && contextWindow === null) {
		segments.push({ text: `${formatTokens(contextTokens)} tokens`, style: colors.dim, weight: 5 });
	} else if (contextTokens > 0 && contextWindow !== null) {
		const share = contextTokens / contextWindow;
		const style = share > 1 ? colors.red : share >= nearlyFull ? colors.yellow : colors.green;
		const of = `${percent(share)} of ${formatTokens(contextWindow)}`;
		segments.push({ text: `${bar(share)} ${of}`, shorter: [of, percent(share)], style, weight: 7 });
	}
	if (status.hasSpent) {
		const { sessionCost } = status;
		const isUnknown = sessionCost.usd === 0 && sessionCost.unknownCalls > 0;
		const total = isUnknown ? "cost unknown" : formatCostBrief(sessionCost);
		const isTurnUnknown = turnCost?.usd === 0 && turnCost.unknownCalls > 0;
		let turn = "";
		if (turnCost !== undefined && isCached) turn = " (cached)";
		else if (turnCost !== undefined && !isUnknown)
			turn = ` (+${isTurnUnknown ? "?" : formatCostBrief(turnCost)})`;
		segments.push({ text: total + turn, shorter: [total], style: plain, weight: 8 });
	}
	for (const text of status.settings)
		segments.push({ text: sanitizeLine(text), style: colors.dim, weight: 4 });
	const name = sanitizeLine(title);
	const cut = (width: number) => truncateText(name, width);
	segments.push(
		{ text: cut(longestTitle), shorter: [cut(20), cut(shortestTitle)], style: colors.dim, weight: 6 },
		{ text: "/help", style: colors.dim, weight: 1 },
	);
	return segments;
}

function percent(share: number): string {
	const value = share * 100;
	return `${value > 0 && value < 1 ? "< 1" : Math.round(value)} %`;
}

function bar(share: number): string {
	const full = Math.min(barWidth, Math.round(share * barWidth));
	return "▓".repeat(full) + "░".repeat(barWidth - full);
}

/** Shortens, then leaves out what matters least, until the line fits. */
function fitSegments(segments: readonly Segment[], room: number, colors: Colors): string {
	let kept = [...segments];
	const isNeeded = ({ weight }: Segment) => weight > 1;
	const width = () => textWidth(kept.map(({ text }) => text).join(separator));
	if (width() > room) kept = kept.filter(isNeeded);
	for (const { weight } of kept.toSorted((a, b) => a.weight - b.weight)) {
		if (width() <= room) break;
		const least = kept.findIndex((segment) => segment.weight === weight);
		for (const text of kept[least]?.shorter ?? []) {
			if (width() > room) kept = kept.with(least, { ...(kept[least] as Segment), text });
		}
	}
	while (kept.length > 1 && width() > room) {
		const least = Math.min(...kept.map(({ weight }) => weight));
		kept.splice(
			kept.findLastIndex(({ weight }) => weight === least),
			1,
		);
	}
	if (width() > room) return truncateText(kept[0]?.text ?? "", room);
	return kept.map(({ text, style }) => style(text)).join(colors.dim(separator));
}
