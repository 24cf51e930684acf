import { AsyncLocalStorage } from "node:async_hooks";

type Cleanup = () => unknown;

const running = new AsyncLocalStorage<Cleanup[]>();

/**
 * Puts something away when the test is over; what was made last goes first, for it leans on what was made before.
 * Helpers use this instead of hooks of their own: files share modules, and a hook belongs to the file that loads it.
 * Tests that run at the same time put away each what is theirs.
 */
export function afterTest(cleanup: Cleanup): void {
	const cleanups = running.getStore();
	if (cleanups === undefined) throw new Error("no test is running");
	cleanups.push(cleanup);
}

/** Runs a test with its hooks, and then what it asked for by `afterTest`. Called by setup.ts for every test. */
export async function cleaningUp(test: () => Promise<void>): Promise<void> {
	const cleanups: Cleanup[] = [];
	try {
		await running.run(cleanups, test);
	} finally {
		for (const cleanup of cleanups.reverse()) await cleanup();
	}
}
