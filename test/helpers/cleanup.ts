type Cleanup = () => unknown;

const cleanups: Cleanup[] = [];

/**
 * Puts something away when the test is over; what was made last goes first, for it leans on what was made before.
 * Helpers use this instead of hooks of their own: files share modules, and a hook belongs to the file that loads it.
 */
export function afterTest(cleanup: Cleanup): void {
	cleanups.push(cleanup);
}

/** Called by setup.ts after every test. */
export async function cleanUp(): Promise<void> {
	for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
}
