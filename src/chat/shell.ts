import { formatPlural } from "../terminal/formats.ts";
import { type Attachment, outputAttachment } from "./content.ts";
import type { ChatHost } from "./host.ts";
import type { ChatView } from "./view.ts";

/** What of a chat a command works with. */
export interface ShellContext {
	readonly host: ChatHost;
	readonly view: ChatView;
	attachments: readonly Attachment[];
}

/** How much of a command's output is shown, in lines. */
const shownLines = 12;

/** Runs what the user types behind `!`, one command at a time. */
export class Shell {
	#abort: AbortController | undefined;
	/** The command whose output goes with the next question. */
	last: string | undefined;

	get busy(): boolean {
		return this.#abort !== undefined;
	}

	/** False when nothing is running. */
	stop(): boolean {
		if (this.#abort === undefined) return false;
		this.#abort.abort();
		return true;
	}

	/** Shows a command's output and lets it go with the next question. @throws LlmxError when it cannot be run */
	async run(chat: ShellContext, command: string): Promise<void> {
		const abort = new AbortController();
		this.#abort = abort;
		chat.view.changed();
		try {
			const { output, exitCode } = await chat.host.runCommand(command, abort.signal);
			const attachment = outputAttachment(command, output, exitCode);
			chat.attachments = [...chat.attachments, attachment];
			this.last = command;
			chat.view.notice(describeOutput(command, output, exitCode, attachment.label));
		} finally {
			this.#abort = undefined;
			chat.view.changed();
		}
	}
}

function describeOutput(command: string, output: string, exitCode: number, label: string): string {
	const lines = output.replace(/\n$/, "").split("\n");
	const left = lines.length - shownLines;
	const more = left > 0 ? [`… ${formatPlural(left, "more line")}`] : [];
	const ended = exitCode === 0 ? [] : [`exit code ${exitCode}`];
	const next = `attached to the next question: ${label} · Enter sends it alone, /attach none removes it`;
	const shown = output.trim() === "" ? ["no output"] : lines.slice(0, shownLines);
	return [`$ ${command}`, ...shown, ...more, ...ended, next].join("\n");
}
