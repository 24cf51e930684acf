import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Fault } from "../../../src/simulator/faults/fault.ts";
import { type Simulator, startSimulator } from "../../../src/simulator/server.ts";
import { type AskOptions, ask, type Raw } from "../wire-client.ts";

/** The one that the tests of a file share, started by `shareSimulator`. */
export let simulator: Simulator;

export function shareSimulator(): void {
	beforeAll(async () => {
		simulator = await startSimulator();
	});
	afterAll(() => simulator.close());
}

export const words = "one two three four five six seven eight";
export const stream: AskOptions = { stream: true };

/** Asks with a directive for a fault. */
export function fault(spec: string, options: AskOptions = {}): Promise<Raw> {
	return ask(simulator, `${words} [[fault:${spec}]]`, options);
}

export function errorOf(raw: Raw) {
	return JSON.parse(raw.text).error;
}

/** A later request is answered while this one still hangs: it is a stall, not slowness. */
export async function nothingMore(raw: Raw): Promise<void> {
	expect((await ask(simulator, "still there?")).status).toBe(200);
	expect(raw.ended).toBe("open");
}

/** Holds every fault of a table to what its row says; one without a check fails. */
export function checkEach(
	faults: readonly Fault[],
	checks: Readonly<Record<string, () => Promise<void>>>,
): void {
	shareSimulator();
	describe("each fault does what its row says", () => {
		it.each(faults.map(({ name }) => name))("%s", async (name) => {
			const check = checks[name];
			if (check === undefined) throw new Error(`no check for the fault "${name}"`);
			await check();
		});
	});
}
