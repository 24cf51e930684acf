import { describe, expect, it } from "vitest";
import { FormData, Headers, LateSegmenter, Response } from "../../src/providers/web-globals.ts";

describe("the stand-ins for web classes", () => {
	it("keep headers as the real ones do: case folded, repeats joined, the last set wins", () => {
		const headers = new Headers({ Accept: "a" });
		headers.append("accept", "b");
		headers.set("X-One", "1");
		headers.delete("x-none");
		expect([...headers]).toEqual([...new globalThis.Headers({ accept: "a, b", "x-one": "1" })]);
		expect(headers.get("ACCEPT")).toBe("a, b");
		expect(headers.has("x-two")).toBe(false);
		expect(new Headers(headers).get("x-one")).toBe("1");
	});

	it("make the real thing, and know one that is", () => {
		expect(new Response("text")).toBeInstanceOf(globalThis.Response);
		expect(new globalThis.FormData() instanceof FormData).toBe(true);
		expect({} instanceof Response).toBe(false);
	});
});

describe("LateSegmenter", () => {
	it("cuts as the real one does, with the same options", () => {
		const text = "a\u0301 👨‍👩‍👧 two words";
		for (const granularity of ["grapheme", "word"] as const) {
			const real = new Intl.Segmenter(undefined, { granularity });
			const late = new LateSegmenter(undefined, { granularity });
			for (let round = 0; round < 2; round += 1)
				expect([...late.segment(text)]).toEqual([...real.segment(text)]);
		}
	});
});
