import { describe, expect, it } from "vitest";
import type { WireName } from "../../src/simulator/request.ts";
import { meet } from "./encounter.ts";
import { failed } from "./outcomes.ts";

/** Tests of what has no end. Tens of MB cost a second, whatever the wire. */
export function meetExcess(wires: readonly WireName[]): void {
	describe.each(wires)("row 21 on the %s wire: excess", (wire) => {
		it.each(["gzip-bomb", "endless-body"])("%s is stopped at 64 MiB", async (spec) => {
			const seen = await failed(spec, "too_large", { wire });
			expect(seen.error?.message).toContain("64 MiB");
		});

		it("endless text is stopped, and what came is kept", async () => {
			const seen = await meet("endless-deltas", { wire, mode: "stream" });
			expect(seen.error).toMatchObject({ errorClass: "too_large", maybeBilled: true, exitCode: 1 });
			expect(seen.error?.partialText).toBe(seen.shown);
			expect(seen.requests).toBe(1);
		});

		it("a stream of a gzip-bomb is stopped", async () => {
			const seen = await meet("gzip-bomb", { wire, mode: "stream" });
			expect(seen.error).toMatchObject({ errorClass: "too_large", exitCode: 1 });
			expect(seen.requests).toBe(1);
		});
	});
}
