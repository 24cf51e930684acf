import { expect } from "vitest";
import type { ErrorClass } from "../../src/errors.ts";
import { type Encounter, type EncounterOptions, type Mode, meet, nasty } from "./encounter.ts";

/** Sent again within the retry budget (2 in these tests), then given up. Nothing can have been billed. */
export async function retried(
	spec: string,
	errorClass: ErrorClass,
	options: EncounterOptions = {},
): Promise<Encounter> {
	const seen = await meet(spec, options);
	expect(seen.error).toMatchObject({ errorClass, exitCode: 5, maybeBilled: false, attempts: 3 });
	expect(seen.requests).toBe(3);
	expect(seen.waits).toHaveLength(2);
	expect(seen.ledger).toMatchObject([{ status: "failed", cost_usd: 0 }]);
	const recovered = await meet(`${spec} x2`, options);
	expect(recovered.error).toBeUndefined();
	expect([recovered.requests, recovered.result?.text]).toEqual([3, `${nasty} [[fault:${spec} x2]]`]);
	return seen;
}

/** Sent again once, because it may have been billed; then given up. */
export async function retriedOnce(
	spec: string,
	errorClass: ErrorClass,
	options: EncounterOptions & { readonly exitCode?: number; readonly recovers?: boolean } = {},
): Promise<Encounter> {
	const seen = await meet(spec, options);
	expect(seen.error).toMatchObject({
		errorClass,
		exitCode: options.exitCode ?? 5,
		maybeBilled: true,
		attempts: 2,
	});
	expect(seen.requests).toBe(2);
	expect(seen.ledger).toHaveLength(2);
	expect(seen.ledger.every(({ status, cost_usd }) => status === "maybe_billed" && cost_usd === null)).toBe(
		true,
	);
	if (options.recovers !== false) {
		const recovered = await meet(`${spec} x1`, options);
		expect([recovered.requests, recovered.result?.text]).toEqual([2, `${nasty} [[fault:${spec} x1]]`]);
		expect(recovered.ledger.map(({ status }) => status)).toEqual(["maybe_billed", "ok"]);
	}
	return seen;
}

/** Fails at once; asking again is pointless. */
export async function failed(
	spec: string,
	errorClass: ErrorClass,
	options: EncounterOptions & { readonly exitCode?: number } = {},
): Promise<Encounter> {
	const seen = await meet(spec, options);
	expect(seen.error).toMatchObject({ errorClass, exitCode: options.exitCode ?? 1, attempts: 1 });
	expect([seen.requests, seen.waits]).toEqual([1, []]);
	expect(seen.result).toBeUndefined();
	return seen;
}

/** Answered as if nothing were wrong, exactly, and kept in the cache. */
export async function accepted(spec: string, options: EncounterOptions = {}): Promise<Encounter> {
	const seen = await meet(spec, { ...options, times: 2 });
	expect(seen.error).toBeUndefined();
	expect(seen.result).toMatchObject({
		text: options.prompt ?? `${nasty} [[fault:${spec}]]`,
		finishReason: "stop",
		cached: true,
	});
	expect(seen.requests).toBe(1);
	return seen;
}

/** A stream that broke after text was shown: never complete, never asked for again, kept as partial. */
export async function brokenStream(
	spec: string,
	errorClass: ErrorClass,
	options: EncounterOptions & { readonly exitCode?: number } = {},
): Promise<Encounter> {
	const seen = await meet(spec, { ...options, mode: "stream" });
	const whole = `${nasty} [[fault:${spec}]]`;
	expect(seen.error).toMatchObject({ errorClass, maybeBilled: true });
	if (options.exitCode !== undefined) expect(seen.error?.exitCode).toBe(options.exitCode);
	expect(seen.shown.length).toBeGreaterThan(0);
	expect(whole.startsWith(seen.shown)).toBe(true);
	expect(seen.error?.partialText).toBe(seen.shown);
	expect([seen.requests, seen.result]).toEqual([1, undefined]);
	expect(seen.parts.some((part) => part.type === "finish")).toBe(false);
	expect(seen.ledger).toMatchObject([{ status: "maybe_billed", cost_usd: null }]);
	return seen;
}

export const modes: readonly Mode[] = ["plain", "stream"];

/** Ended by a limit of ours: the same request would end the same way, at full price, so it is not sent again. */
export async function timedOut(
	spec: string,
	options: EncounterOptions & { readonly exitCode?: number } = {},
): Promise<Encounter> {
	const seen = await failed(spec, "timeout", { exitCode: 5, ...options });
	expect(seen.error).toMatchObject({ maybeBilled: true, hint: expect.stringContaining("--timeout") });
	expect(seen.ledger).toMatchObject([{ status: "maybe_billed", cost_usd: null }]);
	return seen;
}
