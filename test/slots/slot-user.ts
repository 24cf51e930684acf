import { Slots } from "../../src/slots/slots.ts";

// A process that uses slots: `slot-user.ts OPTIONS TIMES HOLD_MS` prints a line when it gets one and when it
// gives it back, and ends after TIMES of them; with 0 it keeps the first one.
const [options, times, holdMs] = process.argv.slice(2) as [string, string, string];
const slots = new Slots(JSON.parse(options) as ConstructorParameters<typeof Slots>[0]);

async function use(): Promise<void> {
	const release = await slots.acquire();
	process.stdout.write("got\n");
	if (times === "0") return new Promise(() => setInterval(() => {}, 1_000));
	await new Promise((resolve) => setTimeout(resolve, Number(holdMs)));
	process.stdout.write("gave\n");
	release();
}

await Promise.all(Array.from({ length: Math.max(1, Number(times)) }, use));
await slots.close();
