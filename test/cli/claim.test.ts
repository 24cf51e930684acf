import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { OutputClaim } from "../../src/cli/batch/claim.ts";
import { afterTest } from "../helpers/cleanup.ts";
import { failureOf } from "../helpers/failure.ts";
import { ManualClock } from "../schedule/manual-clock.ts";

function outputs() {
	const folder = mkdtempSync(join(tmpdir(), "llmx-claim-"));
	afterTest(() => rmSync(folder, { recursive: true, force: true }));
	return [{ name: "out.1-of-8.jsonl", path: join(folder, "out.1-of-8.jsonl") }];
}

it("a second task with the same index waits a moment, and is refused", async () => {
	const files = outputs();
	const first = await OutputClaim.take(files);
	const clock = new ManualClock();
	const said: string[] = [];
	const error = await failureOf(OutputClaim.takeOver(files, { clock, onWait: (text) => said.push(text) }));
	expect(error).toMatchObject({
		exitCode: 2,
		message: `out.1-of-8.jsonl is in use by process ${process.pid}`,
	});
	expect(clock.now()).toBeGreaterThanOrEqual(10_000);
	expect(said).toEqual([`out.1-of-8.jsonl is in use by process ${process.pid}; waiting 10 s for it to end`]);
	await first.release();
});

it("a task that is started again takes over when the one before it has gone", async () => {
	const files = outputs();
	const first = await OutputClaim.take(files);
	const clock = new ManualClock();
	clock.onSleep = () => void (clock.now() >= 3_000 && first.release());
	const second = await OutputClaim.takeOver(files, { clock, onWait: () => {} });
	expect(clock.now()).toBeLessThan(10_000);
	await second.release();
});

it("a holder on another machine is waited for until its silence has told", async () => {
	const files = outputs();
	const lock = `${files[0]?.path}.lock`;
	writeFileSync(lock, '{"id":"1","host":"elsewhere","pid":7}');
	const clock = new ManualClock();
	const error = await failureOf(OutputClaim.takeOver(files, { clock, onWait: () => {} }));
	expect(error).toMatchObject({ exitCode: 2 });
	expect(clock.now()).toBeGreaterThanOrEqual(75_000);
});
