import type { ServerState } from "../../schedule/servers.ts";
import type { Colors } from "../../terminal/colors.ts";
import { formatCount, formatDuration, formatPlural } from "../../terminal/formats.ts";
import { sanitizeLine } from "../../terminal/sanitize.ts";
import { textWidth, truncateText } from "../../terminal/width.ts";

/** As many as leave the rest of the progress in sight. */
const mostLines = 8;
/** A name takes no more of a line than this, so that figures stand below each other. */
const mostNameColumns = 32;

/** How each of several servers fares while a run goes on, those that are out of order first. */
export function serverLines(servers: readonly ServerState[], width: number, colors: Colors): string[] {
	const shown = servers.toSorted((one, other) => Number(other.isOut) - Number(one.isOut));
	const rest = shown.length > mostLines ? shown.splice(mostLines - 1) : [];
	const column = Math.min(mostNameColumns, Math.max(0, ...shown.map(({ name }) => textWidth(name))));
	const lines = shown.map((server) => {
		const name = truncateText(sanitizeLine(server.name), column);
		const line = `${name}${" ".repeat(column - textWidth(name))}  ${serverText(server)}`;
		const cut = truncateText(line, Math.max(1, width));
		return server.isOut ? colors.yellow(cut) : cut;
	});
	return rest.length > 0 ? [...lines, `and ${formatPlural(rest.length, "other server")}`] : lines;
}

/** The same in a word, where there is one line only; undefined for a single server. */
export function serverPart(servers: readonly ServerState[]): string | undefined {
	if (servers.length === 0) return undefined;
	const out = servers.filter(({ isOut }) => isOut).map(({ name }) => sanitizeLine(name));
	const working = `${formatCount(servers.length - out.length)} of ${formatPlural(servers.length, "server")}`;
	if (out.length === 0) return `${formatPlural(servers.length, "server")}`;
	return `${working}, without ${out.slice(0, 3).join(", ")}${out.length > 3 ? ", …" : ""}`;
}

function serverText({ isOut, inFlight, ...server }: ServerState): string {
	return isOut
		? `out of order · ${figures(server)}`
		: `${formatCount(inFlight)} in flight · ${figures(server)}`;
}

/** What each of several servers has done in a run that is over. */
export function serverSummaries(servers: readonly ServerState[]): string[] {
	return servers.map((server) => `${sanitizeLine(server.name)}: ${figures(server)}`);
}

function figures({
	answers,
	failures,
	latencyMs,
}: Pick<ServerState, "answers" | "failures" | "latencyMs">): string {
	const parts = [`${formatCount(answers)} answered`];
	if (failures > 0) parts.push(`${formatCount(failures)} failed`);
	if (latencyMs !== null) parts.push(formatDuration(latencyMs));
	return parts.join(" · ");
}
