import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { faults, findFault } from "../../../src/simulator/faults/table.ts";
import { startSimulator } from "../../../src/simulator/server.ts";
import { ask } from "../wire-client.ts";
import { errorOf, fault, shareSimulator, simulator } from "./check.ts";

shareSimulator();

describe("the table of faults", () => {
	it("knows every error status", () => {
		expect(findFault("507")?.name).toBe("507");
		expect(findFault("200")).toBeUndefined();
	});

	it("has no name twice", () => {
		expect(new Set(faults.map(({ name }) => name)).size).toBe(faults.length);
	});
});

describe("asking for faults", () => {
	it("uses directives up in their order, then answers", async () => {
		const statuses: number[] = [];
		for (let attempt = 0; attempt < 5; attempt++)
			statuses.push((await ask(simulator, "again [[fault:503 x2]][[fault:429-retry-after=7 x1]]")).status);
		expect(statuses).toEqual([503, 503, 429, 200, 200]);
	});

	it("counts attempts by model and prompt, whichever key sends them", async () => {
		const prompt = "rotate [[fault:429 x1]]";
		expect((await ask(simulator, prompt, { key: "a" })).status).toBe(429);
		expect((await ask(simulator, prompt, { key: "b", model: "words-3" })).status).toBe(429);
		expect((await ask(simulator, prompt, { key: "b" })).status).toBe(200);
	});

	it("reads them from the last user turn only", async () => {
		const messages = [
			{ role: "user", content: "[[fault:500]]" },
			{ role: "assistant", content: "ok" },
			{ role: "user", content: "go on" },
		];
		expect((await ask(simulator, "", { extra: { messages } })).status).toBe(200);
	});

	it("takes a fault as the model's name", async () => {
		expect((await ask(simulator, "x", { model: "fault:429-retry-after=9" })).headers["retry-after"]).toBe(
			"9",
		);
		expect((await ask(simulator, "x", { model: "fault:503", wire: "gemini" })).status).toBe(503);
	});

	it("says so when a fault is unknown or cannot happen to this request", async () => {
		const messages = await Promise.all([
			ask(simulator, "[[fault:nonsense]]"),
			ask(simulator, "[[fault:cut-stream]]"),
			ask(simulator, "[[fault:block-reason]]"),
		]);
		expect(messages.map((raw) => [raw.status, errorOf(raw).message])).toEqual([
			[400, 'the simulator knows no fault "nonsense"'],
			[400, 'the fault "cut-stream" needs a streaming request'],
			[400, 'the fault "block-reason" does not exist on the openai wire'],
		]);
	});

	it("draws faults by rate from the seed, only where they can happen", async () => {
		const outcomes = async (seed: number) => {
			await using drawn = await startSimulator({ seed, errors: { "503": 0.3, "cut-stream": 0.3 } });
			for (let sent = 0; sent < 40; sent++) await ask(drawn, "x");
			return drawn.requests.map((request) => request.outcome);
		};
		const first = await outcomes(5);
		expect(await outcomes(5)).toEqual(first);
		expect(await outcomes(6)).not.toEqual(first);
		expect(new Set(first)).toEqual(new Set(["503", "answered"]));
	});

	it("survives values that make no sense and clients that do not wait", async () => {
		expect((await fault("key-echo=none")).ended).not.toBe("open");
		expect((await fault("error-200=\u0001")).status).toBe(200);
		const everything = faults.filter(({ name }) => name !== "outage");
		for (const { name, on } of everything) {
			const socket = connect(simulator.port, "127.0.0.1");
			void ask(simulator, `hurry [[fault:${name}]]`, { socket, stream: on === "stream", until: () => false });
			await new Promise((resolve) => socket.once("connect", resolve));
			setImmediate(() => socket.resetAndDestroy());
		}
		await expect.poll(() => simulator.stats.inFlight).toBe(0);
		expect((await ask(simulator, "still there?")).status).toBe(200);
	});

	it("gives a key its own fault, and refuses keys it does not know", async () => {
		await using keyed = await startSimulator({
			keys: ["good", "spent"],
			keyFaults: { spent: "insufficient-quota" },
		});
		const statuses = [];
		for (const key of ["good", "spent", "other"]) {
			statuses.push((await ask(keyed, "x", { key })).status);
		}
		expect(statuses).toEqual([200, 429, 401]);
		expect(keyed.stats).toMatchObject({ requests: 3, answered: 1 });
	});

	it("refuses to start with a fault that does not exist or a rate that is no share", async () => {
		await expect(startSimulator({ errors: { nonsense: 0.1 } })).rejects.toThrow('no fault "nonsense"');
		await expect(startSimulator({ errors: { "503": 2 } })).rejects.toThrow("between 0 and 1");
		await expect(startSimulator({ keyFaults: { k: "nonsense" } })).rejects.toThrow("nonsense");
	});
});
