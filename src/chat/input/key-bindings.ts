/** Which key does what: the table that the input obeys and that `/help` prints. */

import type { Key } from "../../terminal/keys.ts";

export type Action =
	| "send"
	| "newline"
	| "interrupt"
	| "delete-or-exit"
	| "escape"
	| "up"
	| "down"
	| "search"
	| "left"
	| "right"
	| "word-left"
	| "word-right"
	| "line-start"
	| "line-end"
	| "backspace"
	| "delete"
	| "kill-to-end"
	| "kill-to-start"
	| "kill-spaced-left"
	| "kill-word-left"
	| "kill-word-right"
	| "yank"
	| "yank-pop"
	| "transpose"
	| "undo"
	| "redo"
	| "complete"
	| "complete-back"
	| "clear-screen"
	| "external-editor"
	| "toggle-reasoning"
	| "copy-block"
	| "paste-image"
	| "suspend";

interface Binding {
	/** As `C-a`, `A-enter`, `S-tab`; the first are those that help shows. */
	readonly keys: readonly string[];
	readonly action: Action;
	/** For help; bindings without it are not worth a line there. */
	readonly does?: string;
}

/** What Windows has no way to do. */
const notOnWindows: readonly Action[] = ["suspend"];

const allBindings: readonly Binding[] = [
	{ keys: ["enter"], action: "send", does: 'send (a newline inside """ or after \\)' },
	{ keys: ["A-enter", "C-j", "S-enter", "C-enter"], action: "newline", does: "newline" },
	{ keys: ["C-c"], action: "interrupt", does: "stop the answer, or clear the input; twice: leave" },
	{ keys: ["escape"], action: "escape", does: "stop the answer, close a menu; twice: your questions" },
	{ keys: ["C-d"], action: "delete-or-exit", does: "leave when the input is empty, else delete forward" },
	{ keys: ["up", "C-p"], action: "up", does: "line above, queued message, older input" },
	{ keys: ["down", "C-n"], action: "down", does: "line below, newer input" },
	{ keys: ["C-r"], action: "search", does: "search older input" },
	{ keys: ["tab"], action: "complete", does: "complete commands, models and paths" },
	{ keys: ["S-tab"], action: "complete-back" },
	{ keys: ["C-g"], action: "external-editor", does: "edit in $VISUAL or $EDITOR" },
	{ keys: ["C-o"], action: "toggle-reasoning", does: "show or fold reasoning" },
	{ keys: ["A-c"], action: "copy-block", does: "copy the last block of code" },
	{ keys: ["C-v"], action: "paste-image", does: "attach the picture on the clipboard" },
	{ keys: ["C-l"], action: "clear-screen", does: "clear the screen, keep the conversation" },
	{ keys: ["C-z"], action: "suspend", does: "suspend (fg brings it back)" },
	{ keys: ["C-a", "home"], action: "line-start", does: "start of the line" },
	{ keys: ["C-e", "end"], action: "line-end", does: "end of the line" },
	{ keys: ["C-b", "left"], action: "left" },
	{ keys: ["C-f", "right"], action: "right" },
	{ keys: ["A-b", "C-left", "A-left"], action: "word-left", does: "word left" },
	{ keys: ["A-f", "C-right", "A-right"], action: "word-right", does: "word right" },
	{ keys: ["backspace"], action: "backspace" },
	{ keys: ["delete"], action: "delete" },
	{ keys: ["C-k"], action: "kill-to-end", does: "cut to the end of the line" },
	{ keys: ["C-u"], action: "kill-to-start", does: "cut to the start of the line" },
	{ keys: ["C-w"], action: "kill-spaced-left", does: "cut the word to the left" },
	{ keys: ["A-backspace", "C-backspace"], action: "kill-word-left" },
	{ keys: ["A-d", "C-delete", "A-delete"], action: "kill-word-right", does: "cut the word to the right" },
	{ keys: ["C-y"], action: "yank", does: "put back what was cut" },
	{ keys: ["A-y"], action: "yank-pop", does: "put back what was cut before that" },
	{ keys: ["C-t"], action: "transpose" },
	{ keys: ["C-_", "C-/"], action: "undo", does: "undo" },
	{ keys: ["A-_", "A-/"], action: "redo", does: "redo" },
];

/** The bindings of a platform, those that help shows first. */
export function bindingsOf(platform: NodeJS.Platform): readonly Binding[] {
	return allBindings.filter(({ action }) => platform !== "win32" || !notOnWindows.includes(action));
}

export const bindings = bindingsOf(process.platform);

const actions = new Map(bindings.flatMap(({ keys, action }) => keys.map((key) => [key, action] as const)));

/** What a key does; undefined for one that does nothing. */
export function actionOf(key: Key): Action | undefined {
	const shifted = key.shift && (key.name === "enter" || key.name === "tab");
	const name = `${key.ctrl ? "C-" : ""}${key.alt ? "A-" : ""}${shifted ? "S-" : ""}${key.name}`;
	return actions.get(name);
}

/** The keys for help: `Alt-Enter, Ctrl-J`. */
export function keyLabel({ keys }: Binding): string {
	const words: Readonly<Record<string, string>> = { "C-": "Ctrl-", "A-": "Alt-", "S-": "Shift-" };
	return keys
		.slice(0, 2)
		.map((key) => {
			const [, modifier = "", name = ""] = /^([CAS]-)?(.+)$/.exec(key) ?? [];
			return (words[modifier] ?? "") + name.charAt(0).toUpperCase() + name.slice(1);
		})
		.join(", ");
}
