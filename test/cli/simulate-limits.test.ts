import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { main } from "../../src/cli/main.ts";
import { createTestIo } from "../helpers/io.ts";

const second = 1_000;
const minute = 60 * second;
const day = 24 * 60 * minute;

// The simulator's limits keep to this clock (as built, to `hrtime`); what the network does takes real time.
beforeEach(() => void vi.useFakeTimers({ toFake: ["Date", "performance", "hrtime"], now: 0 }));
afterEach(() => void vi.useRealTimers());

/** `ok`, or what a 429 says is used up. */
async function sendTo(url: string, key: string): Promise<string> {
	const response = await fetch(`${url}/v1/chat/completions`, {
		method: "POST",
		headers: { authorization: `Bearer ${key}` },
		body: JSON.stringify({ model: "echo", messages: [{ role: "user", content: "word" }] }),
	});
	const text = await response.text();
	if (response.status === 200) return "ok";
	expect(response.status).toBe(429);
	return /requests per min|tokens per min|requests per day/.exec(text)?.[0] ?? text;
}

/** Runs `llmx simulate` with these flags until `use` is through with it. */
async function withSimulator(flags: readonly string[], use: (url: string) => Promise<void>): Promise<void> {
	const io = createTestIo();
	const running = main(["simulate", "--json", ...flags], io);
	await expect.poll(() => io.out(), { interval: 5 }).toContain('"url"');
	try {
		await use((JSON.parse(io.out()) as { url: string }).url);
	} finally {
		io.raise("SIGINT");
		await running;
	}
}

/** The outcomes of so many requests, one after the other. */
async function send(url: string, count: number, key = "one"): Promise<string[]> {
	const outcomes: string[] = [];
	for (let request = 0; request < count; request++) outcomes.push(await sendTo(url, key));
	return outcomes;
}

const ok = (count: number) => Array<string>(count).fill("ok");

// A request of one word and its answer are two tokens.
it.each([
	{ flags: ["--rpm", "4"], fit: 4, refused: "requests per min", oneBackMs: minute / 4, allBackMs: minute },
	{ flags: ["--tpm", "8"], fit: 4, refused: "tokens per min", oneBackMs: minute / 4, allBackMs: minute },
	{ flags: ["--rpd", "4"], fit: 4, refused: "requests per day", oneBackMs: day, allBackMs: day },
])("$flags lets as much through as it says, for each key, and again in its time", async (limit) => {
	const { flags, fit, refused, oneBackMs, allBackMs } = limit;
	await withSimulator(flags, async (url) => {
		expect(await send(url, fit + 2)).toEqual([...ok(fit), refused, refused]);
		expect(await send(url, 1, "other")).toEqual(["ok"]);
		vi.advanceTimersByTime(oneBackMs - second);
		expect(await send(url, 1)).toEqual([refused]);
		vi.advanceTimersByTime(second);
		expect(await send(url, oneBackMs === allBackMs ? fit + 1 : 2)).toEqual([
			...ok(oneBackMs === allBackMs ? fit : 1),
			refused,
		]);
		vi.advanceTimersByTime(allBackMs);
		expect(await send(url, fit + 1)).toEqual([...ok(fit), refused]);
	});
});

it("--in-flight lets so many be worked on at once, for each key, and the next when one has ended", async () => {
	await withSimulator(["--in-flight", "2", "--latency", "300"], async (url) => {
		const outcomes = await Promise.all(["one", "one", "one", "other"].map((key) => sendTo(url, key)));
		expect(outcomes.filter((outcome) => outcome === "ok")).toHaveLength(3);
		expect(outcomes[3]).toBe("ok");
		expect(await send(url, 1)).toEqual(["ok"]);
	});
});

it("limits hold together: whatever is used up first", async () => {
	await withSimulator(["--rpm", "4", "--tpm", "4", "--rpd", "3"], async (url) => {
		expect(await send(url, 3)).toEqual(["ok", "ok", "tokens per min"]);
		vi.advanceTimersByTime(minute);
		// What was refused did not count against the day.
		expect(await send(url, 2)).toEqual(["ok", "requests per day"]);
	});
});
