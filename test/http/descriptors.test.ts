import { describe, expect, it } from "vitest";
import { noteConnection, takeDescriptors } from "../../src/http/descriptors.ts";

describe("descriptors for connections", () => {
	it("are there for as many at once as a usual system has", () => {
		const taken = Array.from({ length: 200 }, () => takeDescriptors());
		for (const _ of taken) noteConnection(null);
		expect(taken).not.toContain(false);
	});
});
