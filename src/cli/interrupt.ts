import { AbortedError, type ExitCode } from "../errors.ts";
import type { Io } from "./io.ts";

/** Turns signals and a vanished reader into one AbortSignal. */
export interface Interrupt {
	readonly signal: AbortSignal;
	/** Stops listening; signals do again what they do by default. */
	dispose(): void;
}

const words: Partial<Record<NodeJS.Signals, string>> = {
	SIGINT: "interrupted",
	SIGTERM: "terminated",
	SIGHUP: "terminal closed (SIGHUP)",
};

/**
 * Aborts on the first signal with an AbortedError that carries the exit code; a second signal leaves at once. Aborts
 * too when stdout was closed; the reason is then that stream's own.
 */
export function createInterrupt(io: Io): Interrupt {
	const controller = new AbortController();
	const stopListening = io.onSignal((signal) => {
		const { constants } = process.getBuiltinModule("node:os");
		const exitCode = (128 + constants.signals[signal]) as ExitCode;
		if (controller.signal.aborted) io.exit(exitCode);
		controller.abort(new AbortedError(words[signal] ?? signal, { exitCode }));
	});
	const onGone = () => controller.abort(io.stdout.gone.reason);
	if (io.stdout.gone.aborted) onGone();
	else io.stdout.gone.addEventListener("abort", onGone, { once: true });
	return {
		signal: controller.signal,
		dispose() {
			stopListening();
			io.stdout.gone.removeEventListener("abort", onGone);
		},
	};
}
