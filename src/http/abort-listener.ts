/** Those who wait for one signal, and the one listener that they share. */
class Waiting {
	readonly calls = new Set<() => void>();
	/** What one of them throws is reported as an error of a listener is, and does not keep the others from being called. */
	readonly listener = (): void => {
		for (const call of this.calls) {
			this.calls.delete(call);
			try {
				call();
			} catch (error) {
				process.nextTick(() => {
					throw error;
				});
			}
		}
	};
}

const waitingFor = new WeakMap<AbortSignal, Waiting>();

/**
 * Calls `call` once when a signal fires, until the returned function is called. All who wait for one signal share a
 * listener, because an EventTarget walks its whole list whenever one is added or removed.
 */
export function onAbort(signal: AbortSignal, call: () => void): () => void {
	const known = waitingFor.get(signal);
	const waiting = known ?? new Waiting();
	if (known === undefined) {
		waitingFor.set(signal, waiting);
		signal.addEventListener("abort", waiting.listener, { once: true });
	}
	waiting.calls.add(call);
	return () => {
		waiting.calls.delete(call);
		if (waiting.calls.size > 0 || waitingFor.get(signal) !== waiting) return;
		signal.removeEventListener("abort", waiting.listener);
		waitingFor.delete(signal);
	};
}
