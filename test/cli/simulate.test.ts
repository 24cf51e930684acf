import { describe, expect, it } from "vitest";
import { main } from "../../src/cli/main.ts";
import { startSimulator } from "../../src/simulator/server.ts";
import { createTestIo, type TestIo } from "../helpers/io.ts";

/** Runs `simulate` until `check` has seen what it wanted, then sends a signal; the exit code. */
async function simulate(
	args: readonly string[],
	check: (url: string) => Promise<void>,
	io: TestIo = createTestIo(),
	signal: NodeJS.Signals = "SIGINT",
): Promise<number> {
	const running = main(["simulate", ...args], io);
	await expect.poll(() => io.out()).toMatch(/127\.0\.0\.1:\d+/);
	await check(/http:\/\/127\.0\.0\.1:\d+/.exec(io.out())?.[0] as string);
	io.raise(signal);
	return running;
}

const ask = (url: string, content: string, key = "k") =>
	fetch(`${url}/v1/chat/completions`, {
		method: "POST",
		headers: { authorization: `Bearer ${key}` },
		body: JSON.stringify({ model: "echo", messages: [{ role: "user", content }] }),
	});

describe("llmx simulate", () => {
	it("prints its address alone on stdout, how to use it on stderr, and stops at Ctrl-C", async () => {
		const io = createTestIo();
		const code = await simulate([], async (url) => expect((await ask(url, "hello")).status).toBe(200), io);
		expect(code).toBe(130);
		expect(io.out()).toMatch(/^http:\/\/127\.0\.0\.1:\d+\n$/);
		expect(io.err()).toContain("LOCAL_BASE_URL=");
		expect(io.err()).toContain("1 requests: 1 answered, 0 over the limit, 0 faults");
		await expect(ask(io.out().trim(), "gone?")).rejects.toThrow();
	});

	it("gives SIGTERM its own exit code", async () => {
		expect(await simulate(["--json"], async () => {}, createTestIo(), "SIGTERM")).toBe(143);
	});

	it("keeps its limits in the dialect asked for", async () => {
		await simulate(["--rpm", "1", "--dialect", "sambanova"], async (url) => {
			expect((await ask(url, "one")).headers.get("x-ratelimit-limit-requests")).toBe("1");
			const refused = await ask(url, "two");
			expect(refused.status).toBe(429);
			expect(await refused.text()).toContain("insufficient_quota");
		});
	});

	it("meets faults by share, their own values included, and accepts only the keys given", async () => {
		const args = ["--errors", "429-retry-after=7=100%", "--key", "good", "--latency", "1,2", "--seed", "1"];
		await simulate(args, async (url) => {
			expect((await ask(url, "x", "good")).headers.get("retry-after")).toBe("7");
			expect((await ask(url, "x", "bad")).status).toBe(401);
		});
	});

	it("runs batch jobs as it is told: how long, with which faults, in what queue", async () => {
		const io = createTestIo();
		const headers = { authorization: "Bearer k", "content-type": "application/json" };
		const create = (url: string) =>
			fetch(`${url}/openrouter/v1/batches`, {
				method: "POST",
				headers,
				body: JSON.stringify({ model: "echo", requests: [{ custom_id: "1", body: { messages: [] } }] }),
			});
		const args = ["--job-seconds", "0.001", "--job-faults", "500,created-500", "--job-queue", "1000"];
		await simulate(
			args,
			async (url) => {
				expect((await create(url)).status).toBe(500);
				expect((await create(url)).status).toBe(500);
				const statuses = async () => {
					const response = await fetch(`${url}/openrouter/v1/batches`, { headers });
					const { data } = (await response.json()) as { data: { status: string }[] };
					return data.map(({ status }) => status);
				};
				await expect.poll(statuses).toEqual(["completed"]);
			},
			io,
		);
		expect(io.err()).toContain("; 1 batch jobs of 1 rows");
	});

	it("says what is wrong: a fault, a share, a latency, a port that is taken", async () => {
		await using taken = await startSimulator();
		const failure = async (...args: string[]) => {
			const io = createTestIo();
			const code = await main(["simulate", ...args], io);
			return `${code} ${io.err().split("\n")[0]}`;
		};
		expect(await failure("--errors", "nonsense=1%")).toMatch(
			/^2 llmx: the simulator knows no fault "nonsense"/,
		);
		expect(await failure("--job-faults", "lost,nonsense")).toMatch(
			/^2 llmx: the simulator knows no fault of jobs "nonsense"/,
		);
		expect(await failure("--errors", "503=200%")).toMatch(/^2 llmx: .*between 0 and 1/);
		expect(await failure("--errors", "503")).toMatch(/^2 .*NAME=SHARE/);
		expect(await failure("--latency", "9,3")).toMatch(/^2 .*MEDIAN,P95/);
		expect(await failure("--port", String(taken.port))).toMatch(/^2 llmx: port \d+ is already in use/);
	});

	it("lists its models and faults without starting", async () => {
		const io = createTestIo();
		expect(await main(["simulate", "--list"], io)).toBe(0);
		expect(io.out()).toMatch(/^ {2}echo +answers/m);
		expect(io.out()).toMatch(/^ {2}gzip-bomb +/m);
		expect(io.out()).toMatch(/^ {2}created-500 +/m);
	});
});
