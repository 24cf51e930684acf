import { expect, it } from "vitest";
import { readRateHeaders } from "../../src/limits/rate-headers.ts";

// https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
it.each([
	[
		"structured fields",
		{ ratelimit: '"default";r=50;t=30', "ratelimit-policy": '"default";q=100;w=20' },
		{ limit: 100, remaining: 50, resetMs: 30_000, windowMs: 20_000 },
	],
	[
		"a header each",
		{ "ratelimit-limit": "100", "ratelimit-remaining": "7", "ratelimit-reset": "12" },
		{ limit: 100, remaining: 7, resetMs: 12_000, windowMs: 60_000 },
	],
])("limits by the IETF's drafts are read: %s", (_, headers, requests) => {
	expect(readRateHeaders(headers, "none", 0)).toEqual({ requests });
});

it("a remainder of no stated limit is not taken for one", () => {
	expect(readRateHeaders({ "ratelimit-remaining": "7" }, "none", 0)).toEqual({});
});
