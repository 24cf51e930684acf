import { expect, it } from "vitest";
import { RequestCoalescer } from "../../src/ask/coalesce.ts";

it("holds back who brings too many, until some have been answered", () => {
	const requests = new RequestCoalescer<number>();
	for (let round = 0; round < 3; round++) {
		requests.lead("key");
		let following = 0;
		while (!requests.areTooMany) expect(requests.follow("key", following++)).toBe(true);
		expect(following).toBeGreaterThan(1_000);
		expect(requests.takeFollowers("key")).toHaveLength(following);
		expect(requests.areTooMany).toBe(false);
	}
	expect(requests.follow("key", 0)).toBe(false);
});
