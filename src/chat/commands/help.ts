import type { Chat } from "../chat.ts";
import { bindings, keyLabel } from "../input/key-bindings.ts";
import { type ChatCommand, commandGroups } from "./command.ts";

interface Row {
	readonly left: string;
	readonly right: string;
}

/** A command with more to write than this stands out, so that the others have room beside them. */
const widestName = 24;

/** Commands in groups, from the table that drives them, and with `keys` what the keys do. */
export function helpText(commands: readonly ChatCommand[], argument: string, { host, view }: Chat): string {
	if (argument !== "keys") return commandHelp(commands, host.presetNames());
	return view.takesKeys
		? keyHelp()
		: "here Ctrl-C stops the answer and Ctrl-D leaves; all keys need the full screen";
}

function commandHelp(commands: readonly ChatCommand[], presets: readonly string[]): string {
	const row = ({ name, argument, summary }: ChatCommand): Row => ({
		left: `/${name}${argument === undefined ? "" : ` ${argument}`}`,
		right: summary,
	});
	const groups = commandGroups.map((group) => ({
		title: group,
		rows: commands.filter((command) => command.group === group).map(row),
	}));
	const others = [
		...commands.filter(({ group }) => group === undefined).map(row),
		{ left: "@path @url", right: "in a question: attach a file, folder, pattern or web page" },
		{ left: "!command", right: "run it in your shell and attach its output" },
		...(presets.length === 0 ? [] : [{ left: `/${presets[0]} …`, right: `your own: ${presets.join(", ")}` }]),
	];
	const all = [...groups, { title: "else", rows: others }];
	const widths = all.flatMap(({ rows }) => rows.map(({ left }) => left.length));
	const width = Math.max(...widths.filter((each) => each <= widestName));
	return all
		.map(({ title, rows }) => [title, ...rows.map((each) => lineOf(each, width))].join("\n"))
		.join("\n\n");
}

function keyHelp(): string {
	const rows = bindings.flatMap((binding) =>
		binding.does === undefined ? [] : [{ left: keyLabel(binding), right: binding.does }],
	);
	const width = Math.max(...rows.map(({ left }) => left.length));
	return rows.map((row) => lineOf(row, width)).join("\n");
}

const lineOf = ({ left, right }: Row, width: number) => `  ${left.padEnd(width)}  ${right}`;
