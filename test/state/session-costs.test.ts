import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { Ledger } from "../../src/state/ledger.ts";
import { resolvePaths } from "../../src/state/paths.ts";
import { readSessionCosts } from "../../src/state/sessions/session-costs.ts";
import { openSession, readSession, removeSession, renameSession } from "../../src/state/sessions/sessions.ts";
import { noUsage } from "../../src/types.ts";

it("what a session was answered before the ledger has it is counted by its file, and nothing twice", async () => {
	const paths = resolvePaths({ LLMX_HOME: mkdtempSync(join(tmpdir(), "llmx-costs-")) });
	try {
		let time = Date.UTC(2026, 0, 1);
		const now = () => time;
		const usage = { ...noUsage, inputTokens: 3, outputTokens: 4 };
		const spent = async () => {
			const session = readSession(paths, "notes");
			if (session === undefined) throw new Error("no session");
			return (await readSessionCosts(paths, [session])).get("notes");
		};
		const open = await openSession(paths, "notes", { folder: "/", now });
		const answer = (costUsd: number | null) =>
			open.append(
				{ role: "user", content: "why?" },
				{ role: "assistant", content: "because", model: "gpt", usage, costUsd },
			);
		answer(0.5);
		answer(null);
		expect(await spent()).toEqual({
			cost: { usd: 0.5, unknownCalls: 1 },
			usage: { ...noUsage, inputTokens: 6, outputTokens: 8 },
		});

		time += 1_000;
		const ledger = new Ledger(paths.ledger, { now });
		const call = {
			command: "chat",
			model: "gpt",
			provider: "openai",
			modelId: "gpt",
			attempts: 1,
			latencyMs: 1,
		};
		ledger.append({ ...call, session: "notes", usage, costUsd: 0.25, cached: false, status: "ok" });
		ledger.append({ ...call, session: "notes", usage, costUsd: null, cached: false, status: "maybe_billed" });
		await ledger.flush();
		answer(0.25);
		await open.close();
		expect(await spent()).toEqual({
			cost: { usd: 0.75, unknownCalls: 2 },
			usage: { ...noUsage, inputTokens: 9, outputTokens: 12 },
		});
	} finally {
		rmSync(paths.stateFolder, { recursive: true, force: true });
	}
});

it("a name that another session had, or has since, brings none of its costs", async () => {
	const paths = resolvePaths({ LLMX_HOME: mkdtempSync(join(tmpdir(), "llmx-costs-")) });
	try {
		let time = Date.now() - 60_000;
		const now = () => time;
		const ledger = new Ledger(paths.ledger, { now });
		const spend = async (usd: number) => {
			time += 1_000;
			const call = {
				command: "chat",
				model: "gpt",
				provider: "openai",
				modelId: "gpt",
				attempts: 1,
				latencyMs: 1,
			};
			ledger.append({ ...call, session: "day-1", usage: noUsage, costUsd: usd, cached: false, status: "ok" });
			await ledger.flush();
			time += 1_000;
		};
		const begin = async () => {
			const open = await openSession(paths, "day-1", { folder: "/", now });
			open.append({ role: "user", content: "why?" });
			await open.close();
		};
		await begin();
		await spend(1);
		await removeSession(paths, "day-1");
		await begin();
		await spend(2);
		await renameSession(paths, "day-1", "notes");
		time += 60_000;
		await begin();
		await spend(4);
		for (const [name, usd] of [
			["notes", 2],
			["day-1", 4],
		] as const) {
			const alone = [readSession(paths, name)].filter((session) => session !== undefined);
			expect((await readSessionCosts(paths, alone)).get(name)?.cost.usd).toBe(usd);
		}
	} finally {
		rmSync(paths.stateFolder, { recursive: true, force: true });
	}
});
