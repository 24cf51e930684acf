import { constants } from "node:os";
import type { Chat } from "../../chat/chat.ts";
import type { LineView } from "../../chat/line-mode.ts";
import { type ExitCode, exitCodes } from "../../errors.ts";
import type { Io } from "../io.ts";

/** A second Ctrl-C this soon (ms) after the first leaves. */
const againWithinMs = 3_000;

/**
 * What signals do in line mode. Ctrl-C stops the answer; without one a person is told that a second one leaves, and a
 * script is left at once. SIGTERM, SIGHUP and a reader that has gone end the chat, with what came of the answer kept.
 */
export function leaveOnSignals(
	io: Io,
	chat: Chat,
	view: LineView,
): { readonly exitCode: number | undefined; dispose(): void } {
	let exitCode: ExitCode | undefined;
	let lastPress = Number.NEGATIVE_INFINITY;
	const leave = (code: ExitCode) => {
		exitCode ??= code;
		chat.stop();
		view.leave();
	};
	const stopListening = io.onSignal((signal) => {
		if (signal === "SIGINT" && view.isConversation) {
			const now = chat.host.now();
			if (chat.stop()) return;
			if (now - lastPress <= againWithinMs) leave(exitCodes.interrupted);
			else {
				// Behind the ^C that the terminal has echoed.
				view.notice("\npress Ctrl-C again to leave");
				view.prompt();
			}
			lastPress = now;
			return;
		}
		leave((128 + constants.signals[signal]) as ExitCode);
	});
	const onGone = () => leave(exitCodes.ok);
	io.stdout.gone.addEventListener("abort", onGone, { once: true });
	return {
		get exitCode() {
			return exitCode;
		},
		dispose() {
			stopListening();
			io.stdout.gone.removeEventListener("abort", onGone);
		},
	};
}
