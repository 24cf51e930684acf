import { expect, it } from "vitest";
import { ConcurrencyWindow, type WindowedRequest } from "../../src/limits/concurrency-window.ts";

const refusalMs = 50;
const answerMs = 2_000;

/** A server that works on so many at once, and a client that tries `most` at once. */
class Server {
	readonly window = new ConcurrencyWindow(64, true);
	limit: number;
	now = 0;
	refused = 0;
	answered = 0;
	#number = 0;
	readonly #open: WindowedRequest[] = [];
	readonly #refusals: WindowedRequest[] = [];

	constructor(limit: number) {
		this.limit = limit;
	}

	run(seconds: number, most: number): void {
		for (const end = this.now + 1_000 * seconds; this.now < end; this.now += 30) {
			this.#end();
			const { size } = this.window.at(undefined, this.now);
			if (this.window.inFlight < Math.min(most, size)) this.#send();
			else if (size < most) this.window.heldBack(this.now);
			this.window.learn(refusalMs, this.now);
		}
	}

	#send(): void {
		const request = this.window.sent(this.#number++, this.now);
		(this.#open.length < this.limit ? this.#open : this.#refusals).push(request);
	}

	#end(): void {
		// Answers take 1.8 to 2.2 s.
		const isDone = ({ sentAt, sequence }: WindowedRequest) =>
			this.now >= sentAt + answerMs * (0.9 + 0.2 * ((sequence * 0.618) % 1));
		for (const request of this.#open.filter(isDone)) {
			this.#open.splice(this.#open.indexOf(request), 1);
			this.window.ended(request, "passed", this.now);
			this.window.succeeded(request, this.now);
			this.answered++;
		}
		for (const request of this.#refusals.filter(({ sentAt }) => this.now >= sentAt + refusalMs)) {
			this.#refusals.splice(this.#refusals.indexOf(request), 1);
			this.window.ended(request, "refused", this.now);
			this.window.refused(request);
			this.refused++;
		}
	}
}

it("keeps to a limit in flight, and tries one more ever more rarely", () => {
	const server = new Server(10);
	server.run(10, 14);
	expect(server.window.limit).toBe(10);
	expect(server.window.heldRate).toBeCloseTo(1.25 * 10 * (1_000 / answerMs), 0);
	const { answered, refused } = server;
	server.run(200, 14);
	expect((server.answered - answered) / 200).toBeGreaterThan(0.93 * 10 * (1_000 / answerMs));
	expect(server.refused - refused).toBeLessThan(10);
});

it("finds out that a limit in flight has risen", () => {
	const server = new Server(10);
	server.run(30, 14);
	server.limit = 40;
	server.run(120, 30);
	expect(server.window.at(undefined, server.now).size).toBeGreaterThanOrEqual(20);
});

it("has no limit in flight where nothing is refused", () => {
	const server = new Server(40);
	server.run(60, 14);
	expect(server.window.limit).toBeUndefined();
	expect(server.window.heldRate).toBeUndefined();
});

it("takes only refusals for those of a limit in flight that met as many", () => {
	const server = new Server(10);
	server.run(10, 14);
	expect(server.window.limit).toBe(10);
	server.run(5, 0);
	expect(server.window.inFlight).toBe(0);
	const alone = server.window.sent(9_999, server.now);
	server.window.ended(alone, "refused", server.now + refusalMs);
	expect(server.window.refused(alone)).toBe(false);
});

it("goes on with as many as were let in when it lets go of a limit in flight", () => {
	const server = new Server(10);
	server.run(20, 14);
	expect(server.window.limit).toBe(10);
	server.window.dismissLimit();
	server.window.learn(refusalMs, server.now);
	expect(server.window.limit).toBeUndefined();
	expect(server.window.at(undefined, server.now).size).toBeLessThanOrEqual(12);
});
