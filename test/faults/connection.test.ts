import { describe, expect, it } from "vitest";
import { meet, nasty, patiently } from "./encounter.ts";
import { accepted, failed, modes, retried, retriedOnce, timedOut } from "./outcomes.ts";
import { wires } from "./wires.ts";

/** Nobody may listen there but root, and nobody does: a port that was free a moment ago may be somebody else's by now. */
const refusingUrl = "http://127.0.0.1:1/v1";

describe("row 1, connection refused", () => {
	it("is tried again within the budget", async () => {
		const seen = await meet("", { llm: { baseUrl: refusingUrl } });
		expect(seen.error).toMatchObject({ errorClass: "network", exitCode: 5, maybeBilled: false, attempts: 3 });
		expect(seen.waits).toHaveLength(2);
	});

	it("of a local server means that none runs there", async () => {
		const seen = await meet("", { model: "local/echo", llm: { baseUrl: refusingUrl } });
		expect(seen.error).toMatchObject({ errorClass: "network", attempts: 1 });
		expect(seen.error?.message).toContain(`no server at ${new URL(refusingUrl).origin}`);
		expect(seen.error?.hint).toContain("LOCAL_BASE_URL");
		expect(seen.waits).toEqual([]);
	});

	it("in an outage is waited out", async () => {
		const seen = await meet("outage=0 x1", { llm: { maxRetries: 50 } });
		expect(seen.result?.text).toBe(`${nasty} [[fault:outage=0 x1]]`);
	});
});

describe.concurrent.each(wires)("rows 2 to 5 on the %s wire", (wire) => {
	describe.each(modes)("%s", (mode) => {
		it.each(["reset-before-response", "close-before-response", "cut-headers"])("%s", async (name) => {
			await retriedOnce(name, "network", { wire, mode });
		});

		it.each(["no-answer", "half-headers"])("%s", async (name) => {
			await patiently((timeouts) => timedOut(name, { wire, mode, timeouts }));
		});
	});
});

it("row 6, a certificate that nobody trusts: not sent, not tried again", async () => {
	const seen = await meet("", { simulator: { tls: true } });
	expect(seen.error).toMatchObject({ errorClass: "tls", exitCode: 1, maybeBilled: false, attempts: 1 });
	expect(seen.requests).toBe(0);
});

it("row 7, a host that does not exist: not tried again", async () => {
	const seen = await meet("", { llm: { baseUrl: "https://llmx-no-such-host.invalid/v1", maxRetries: 0 } });
	expect(seen.error).toMatchObject({ errorClass: "network", maybeBilled: false });
	expect(seen.error?.message).toContain("llmx-no-such-host.invalid");
});

describe("row 14, redirects", () => {
	it.each(wires)("to another host are refused, and nothing is sent there: %s", async (wire) => {
		const bystander = await (await import("../../src/simulator/server.ts")).startSimulator();
		try {
			const seen = await failed(`redirect-host=${bystander.url}/v1/chat/completions`, "redirect", { wire });
			expect(seen.error?.message).toContain(`refused redirect to 127.0.0.1:${bystander.port}`);
			expect([bystander.stats.requests, bystander.stats.connections]).toEqual([0, 0]);
		} finally {
			await bystander.close();
		}
	});

	it.each(wires)("in a loop are refused at once: %s", async (wire) => {
		await failed("redirect-loop", "redirect", { wire, mode: "stream" });
	});
});

describe.each(wires)("row 25 on the %s wire", (wire) => {
	it("re-sends when the server closed an idle connection, without a failure", async () => {
		const seen = await meet("keep-alive-close", { wire, times: 3, llm: { cache: false } });
		expect(seen.result?.text).toBe(`${nasty} [[fault:keep-alive-close]]`);
		expect([seen.notices, seen.waits]).toEqual([[], []]);
		expect(seen.ledger.map(({ status }) => status)).toEqual(["ok", "ok", "ok"]);
	});

	it("stands a server that closes after every answer", async () => {
		const seen = await meet("", {
			wire,
			times: 5,
			llm: { cache: false },
			simulator: { answersPerConnection: 1 },
		});
		expect([seen.error, seen.waits, seen.ledger.length]).toEqual([undefined, [], 5]);
	});

	it("is not troubled by a connection closed while idle", async () => {
		await accepted("idle-close", { wire });
	});
});

it("retries a whole outage within the budget and then says so", async () => {
	await retried("503", "overloaded");
});
