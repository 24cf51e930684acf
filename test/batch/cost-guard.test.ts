import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { allowanceOf, CostGuard, type GuardedRequest } from "../../src/batch/cost-guard.ts";

/** The longest answer of the model here. */
const longest = 1_000;

/** One USD a token in, two a token out: sums are easy to see. */
const request = (inputTokens: number, maxTokens?: number, model = "m", n = 1): GuardedRequest => ({
	inputTokens,
	worstOutputTokens: maxTokens ?? longest,
	isBounded: maxTokens !== undefined,
	isPriced: true,
	model,
	usdOf: (output, input) => input + 2 * output * n,
});
const token = () => ({});
const answered = (usd: number, outputTokens: number, inputTokens: number | null = null) => ({
	usd,
	outputTokens,
	inputTokens,
});

/** A guard that has seen one answer of the model, of no tokens and for nothing. */
function probed(options: ConstructorParameters<typeof CostGuard>[0]): CostGuard {
	const guard = new CostGuard(options);
	const probe = token();
	guard.admit(probe, request(0, 0));
	guard.settle(probe, answered(0, 0));
	return guard;
}

describe("the guard of --max-cost", () => {
	it("sends one request at a time until one is answered: it shows what the provider counts", () => {
		const guard = new CostGuard(1_000);
		const [first, second] = [token(), token()];
		expect(guard.admit(first, request(10, 20))).toBe("go");
		expect(guard.admit(second, request(10, 20))).toBe("wait");
		guard.settle(first, { usd: 0, outputTokens: null, inputTokens: null });
		expect(guard.admit(second, request(10, 20))).toBe("go");
		expect(guard.admit(token(), request(10, 20))).toBe("wait");
		guard.settle(second, answered(20, 5, 10));
		expect(guard.admit(token(), request(10, 20))).toBe("go");
		expect(guard.admit(token(), request(10, 20))).toBe("go");
	});

	it("counts what is in flight with the bound of its output", () => {
		const guard = probed(100);
		const first = token();
		expect(guard.admit(first, request(10, 20))).toBe("go");
		expect(guard.admit(token(), request(10, 20))).toBe("go");
		expect(guard.admit(token(), request(1, 0))).toBe("wait");
		guard.settle(first, answered(12, 1));
		expect(guard.admit(token(), request(10, 10))).toBe("go");
	});

	it("counts the bound of each of several answers", () => {
		const guard = probed(100);
		expect(guard.admit(token(), request(10, 10, "m", 4))).toBe("go");
		expect(guard.admit(token(), request(10, 1))).toBe("wait");
		expect(guard.admit(token(), request(8, 1))).toBe("go");
	});

	it("stops when nothing in flight can make room any more", () => {
		const guard = probed(100);
		const first = token();
		guard.admit(first, request(10, 40));
		guard.settle(first, answered(90, 40));
		expect(guard.stopped).toBe(false);
		expect(guard.admit(token(), request(11, 0))).toBe("stop");
		expect(guard.stopped).toBe(true);
		expect(guard.overshootUsd).toBe(0);
	});

	it("counts what a request without a price turns out to cost, and sends such requests side by side", () => {
		const guard = new CostGuard(100);
		const unpriced = { ...request(10), isPriced: false, usdOf: () => 0 };
		const [first, second] = [token(), token()];
		expect(guard.admit(first, unpriced)).toBe("go");
		expect(guard.admit(second, unpriced)).toBe("go");
		guard.settle(first, answered(90, 5, 10));
		expect(guard.admit(token(), request(11, 0, "other"))).toBe("wait");
		guard.settle(second, answered(20, 5, 10));
		expect(guard.admit(token(), unpriced)).toBe("stop");
	});

	it("takes the requests to come to be as dear as the dearest bill for its tokens", () => {
		const guard = new CostGuard(100);
		const probe = token();
		expect(guard.admit(probe, request(10, 5))).toBe("go");
		// 12 USD was to be paid for 10 tokens in and 1 out: the host, or the tier of the account, is three times as dear.
		guard.settle(probe, answered(36, 1, 10));
		expect(guard.admit(token(), request(10, 5))).toBe("go");
		// 3 x 20 USD are set aside of the 64 that are left.
		expect(guard.admit(token(), request(2, 0))).toBe("wait");
		// A cheaper bill takes nothing back: the next may be dear again.
		expect(guard.committedUsd).toBe(96);
	});

	it("sends one probe when answers have no bound, then expects twice the longest within the allowance", () => {
		const guard = new CostGuard({ capUsd: 1_000, allowanceUsd: 3_050 });
		const [probe, second] = [token(), token()];
		expect(guard.admit(probe, request(10))).toBe("go");
		// One at a time until one answer has shown how long they are.
		expect(guard.admit(token(), request(10))).toBe("wait");
		guard.settle(probe, answered(210, 100));
		expect(guard.admit(second, request(10))).toBe("go");
		// 10 + 2 x 1,000 at worst for each of two do not fit into what is left of 4,050.
		expect(guard.admit(token(), request(10))).toBe("wait");
		guard.settle(second, answered(410, 200));
		// 10 + 2 x 2 x 200 do not fit into the 380 that are left.
		expect(guard.admit(token(), request(10))).toBe("stop");
		expect(guard.overshootUsd).toBe(0);
	});

	it("takes the length of one model's answers for nothing with another's", () => {
		const guard = new CostGuard({ capUsd: 1_000, allowanceUsd: 10_000 });
		const first = token();
		guard.admit(first, request(10));
		guard.settle(first, answered(510, 250));
		expect(guard.admit(token(), request(10))).toBe("stop");
		expect(guard.admit(token(), request(10, undefined, "other"))).toBe("go");
	});

	it("counts all that was set aside when nobody knows what a call cost", () => {
		const guard = probed(100);
		const first = token();
		guard.admit(first, request(10, 20));
		guard.settle(first, { usd: null, outputTokens: null, inputTokens: null });
		expect(guard.spentUsd).toBe(50);
	});

	it("learns that the input was estimated too low", () => {
		const guard = probed(100);
		const first = token();
		guard.admit(first, request(10, 0));
		guard.settle(first, answered(40, 0, 40));
		// Four times what is estimated: 10 are 40, and 16 are too many.
		expect(guard.admit(token(), request(10, 0))).toBe("go");
		expect(guard.admit(token(), request(16, 0))).toBe("wait");
	});

	it("goes on when the cap is raised", () => {
		const guard = probed(10);
		const first = token();
		guard.admit(first, request(10, 0));
		expect(guard.admit(token(), request(10, 0))).toBe("wait");
		guard.raise(10);
		expect(guard.committedUsd).toBe(10);
		expect(guard.admit(token(), request(10, 0))).toBe("go");
	});
});

describe("the allowance", () => {
	it("is at least one answer at its longest, half of the cap, and no more than the run can cost", () => {
		expect(allowanceOf(10, { worstRowUsd: 0, worstUsd: 100 })).toBe(0);
		expect(allowanceOf(10, { worstRowUsd: 8, worstUsd: 100 })).toBe(8);
		expect(allowanceOf(10, { worstRowUsd: 1, worstUsd: 100 })).toBe(5);
		expect(allowanceOf(10, { worstRowUsd: 1, worstUsd: 12 })).toBe(2);
		expect(allowanceOf(10, { worstRowUsd: 1, worstUsd: 9 })).toBe(0);
	});
});

/** A row of a made-up run: what it is thought to be, and what it turns out to be. */
interface MadeRow {
	readonly input: number;
	readonly n: number;
	readonly maxTokens: number | undefined;
	readonly output: number;
	/** The request fails and nobody knows whether it was billed: it was. */
	readonly lost: boolean;
}

interface Workload {
	readonly rows: readonly MadeRow[];
	readonly cap: number;
	readonly window: number;
	readonly seed: number;
}

/** How long answers are: even, mostly short with giants, short and then long, long and then short. */
const shapes = ["even", "giants", "short then long", "long then short"] as const;

const workloads = fc
	.record({
		shape: fc.constantFrom(...shapes),
		count: fc.integer({ min: 1, max: 600 }),
		bounded: fc.constantFrom("all", "none", "some"),
		n: fc.constantFrom(1, 1, 1, 8),
		longInput: fc.boolean(),
		lossy: fc.boolean(),
		cap: fc.integer({ min: 10, max: 60_000 }),
		window: fc.constantFrom(1, 8, 64, 512),
		seed: fc.integer(),
	})
	.map(({ shape, count, bounded, n, longInput, lossy, cap, window, seed }): Workload => {
		const random = seeded(seed);
		const rows = Array.from({ length: count }, (_, index): MadeRow => {
			const isLate = index > count / 2;
			const isLong =
				shape === "giants"
					? random() < 0.01
					: shape === "even"
						? random() < 0.5
						: isLate === (shape === "short then long");
			const maxTokens =
				bounded === "none" || (bounded === "some" && random() < 0.5)
					? undefined
					: 1 + Math.floor(random() * longest);
			const wanted = isLong ? Math.floor(longest * (0.5 + random() / 2)) : Math.floor(random() * 20);
			return {
				input: longInput && random() < 0.2 ? 2_000 : 1 + Math.floor(random() * 50),
				n,
				maxTokens,
				output: Math.min(wanted, maxTokens ?? longest),
				lost: lossy && random() < 0.1,
			};
		});
		return { rows, cap, window, seed };
	});

/** The Park-Miller generator. */
function seeded(seed: number): () => number {
	let state = (Math.abs(seed) % 2_147_483_646) + 1;
	return () => {
		state = (state * 48_271) % 2_147_483_647;
		return state / 2_147_483_647;
	};
}

/** Runs a workload under a guard, lands requests in random order, and returns what was really billed. */
function run({ rows, cap, window, seed }: Workload) {
	const random = seeded(seed + 1);
	const requestOf = ({ input, maxTokens, n }: MadeRow) => request(input * n, maxTokens, "m", n);
	const worst = (row: MadeRow) => row.input * row.n + 2 * (row.maxTokens ?? longest) * row.n;
	const open = rows.filter(({ maxTokens }) => maxTokens === undefined);
	const allowanceUsd = allowanceOf(cap, {
		worstRowUsd: Math.max(0, ...open.map(worst)),
		worstUsd: rows.reduce((sum, row) => sum + worst(row), 0),
	});
	const guard = new CostGuard({ capUsd: cap, allowanceUsd });
	const flying: { token: object; row: MadeRow }[] = [];
	let billed = 0;
	let sent = 0;
	const land = () => {
		const [call] = flying.splice(Math.floor(random() * flying.length), 1);
		if (call === undefined) return;
		const { input, n, output, lost } = call.row;
		const usd = input * n + 2 * output * n;
		billed += usd;
		const known = lost
			? { usd: null, outputTokens: null, inputTokens: null }
			: answered(usd, output, input * n);
		guard.settle(call.token, known);
	};
	for (const row of rows) {
		while (flying.length >= window) land();
		const call = { token: token(), row };
		let verdict = guard.admit(call.token, requestOf(row));
		while (verdict === "wait") {
			if (flying.length === 0) throw new Error("the guard waits for nothing");
			land();
			verdict = guard.admit(call.token, requestOf(row));
		}
		if (verdict === "stop") break;
		sent += 1;
		flying.push(call);
		if (random() < 0.3) land();
	}
	while (flying.length > 0) land();
	return { billed, sent, allowanceUsd, isBounded: open.length === 0 };
}

describe("over random workloads", () => {
	it("spends no more than the cap when answers are bounded, and than was said before when they are not", () => {
		fc.assert(
			fc.property(workloads, (workload) => {
				const { billed, allowanceUsd, isBounded } = run(workload);
				if (isBounded) expect(allowanceUsd).toBe(0);
				expect(billed).toBeLessThanOrEqual(workload.cap + allowanceUsd + 1e-6);
			}),
			{ numRuns: 200 },
		);
	});

	it("sends everything when the cap is above all that can come", () => {
		fc.assert(
			fc.property(workloads, (workload) => {
				const { sent } = run({ ...workload, cap: 1e9 });
				expect(sent).toBe(workload.rows.length);
			}),
			{ numRuns: 50 },
		);
	});
});
