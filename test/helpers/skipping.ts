import { describe, it, type TestOptions } from "vitest";

/**
 * A suite that runs only where what it needs is there. Elsewhere it is skipped under a name that says what is missing,
 * and the run ends with a line for each such thing (test/helpers/skipped-reporter.ts).
 */
export function describeWith(
	isThere: boolean,
	missing: string,
	options: TestOptions = {},
): (name: string, tests: () => void) => void {
	return (name, tests) => {
		if (isThere) describe(name, options, tests);
		else describe.skip(`${name} [skipped: ${missing}]`, tests);
	};
}

/** The same for a single test. */
export function itWith(
	isThere: boolean,
	missing: string,
): (name: string, test: () => Promise<void> | void) => void {
	return (name, test) => {
		if (isThere) it(name, test);
		else it.skip(`${name} [skipped: ${missing}]`, test);
	};
}
