import { connect } from "node:net";
import { expect } from "vitest";
import { connectionFaults } from "../../../src/simulator/faults/connection.ts";
import { startSimulator } from "../../../src/simulator/server.ts";
import { ask } from "../wire-client.ts";
import { checkEach, fault, nothingMore, simulator } from "./check.ts";

checkEach(connectionFaults, {
	outage: async () => {
		const doomed = await startSimulator();
		expect((await ask(doomed, "[[fault:outage=10]]")).status).toBe(0);
		await expect.poll(async () => (await ask(doomed, "back?")).status).toBe(200);
		await doomed.close();
	},
	"reset-before-response": async () => {
		const raw = await fault("reset-before-response");
		expect([raw.ended, raw.bytes.length]).toEqual(["reset", 0]);
	},
	"close-before-response": async () => {
		const raw = await fault("close-before-response");
		expect([raw.ended, raw.bytes.length]).toEqual(["fin", 0]);
	},
	"no-answer": async () => {
		const hanging = fault("no-answer=60");
		expect((await ask(simulator, "next")).status).toBe(200);
		expect((await hanging).status).toBe(200);
	},
	"half-headers": async () => {
		const raw = await fault("half-headers", { until: ({ bytes }) => bytes.length > 20 });
		expect(raw.bytes.toString()).toMatch(/^HTTP\/1\.1 200 OK\r\n[^\r]+\r\n[^\r]+$/);
		await nothingMore(raw);
	},
	"cut-headers": async () => {
		const raw = await fault("cut-headers");
		expect([raw.ended, raw.status]).toEqual(["fin", 0]);
		expect(raw.bytes.length).toBeGreaterThan(20);
	},
	"keep-alive-close": async () => {
		const socket = connect(simulator.port, "127.0.0.1");
		expect((await ask(simulator, "first", { socket })).status).toBe(200);
		const second = await fault("keep-alive-close", { socket });
		expect([second.ended === "open", second.bytes.length]).toEqual([false, 0]);
		expect((await fault("keep-alive-close")).status).toBe(200);
	},
	"idle-close": async () => {
		const raw = await fault("idle-close", { until: () => false });
		expect([raw.status, raw.complete, raw.ended]).toEqual([200, true, "fin"]);
		expect(raw.headers.connection).not.toBe("close");
	},
});
