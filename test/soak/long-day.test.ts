/** Days at a chat: questions, changes of mind, other models and sessions, kills. Whatever was paid for is there. */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { type Simulator, startSimulator } from "../../src/simulator/server.ts";
import { formatCost } from "../../src/terminal/formats.ts";
import { startLlmx } from "../batch/helpers/process.ts";
import { seededRandom } from "../batch/helpers/random.ts";
import { PtyChat } from "../helpers/pty.ts";

const turns = Number(process.env.TURNS ?? 300);
const sizes = [
	[80, 24],
	[40, 12],
	[200, 60],
] as const;
const models = ["gpt-4.1-mini", "gpt-4.1", "anthropic/claude-haiku-4-5"];

class Day {
	readonly #home: string;
	readonly #simulator: Simulator;
	readonly #random: () => number;
	readonly #size: readonly [number, number];
	#chat: PtyChat | undefined;
	#questions = 0;
	#names = 0;
	/** Requests that may have been sent at the most. */
	asked = 0;
	/** Answers that may have been on their way. */
	kills = 0;
	/** What was done, for whoever has to find out. */
	readonly log: string[] = [];

	constructor(home: string, simulator: Simulator, seed: number) {
		this.#home = home;
		this.#simulator = simulator;
		this.#random = seededRandom(seed);
		this.#size = sizes[seed % sizes.length] ?? sizes[0];
	}

	get env(): Record<string, string> {
		const { url } = this.#simulator;
		const keys = { OPENAI_API_KEY: "sk-test", ANTHROPIC_API_KEY: "sk-test" };
		return { LLMX_HOME: this.#home, OPENAI_BASE_URL: `${url}/v1`, ANTHROPIC_BASE_URL: url, ...keys };
	}

	get chat(): PtyChat {
		if (this.#chat === undefined) throw new TypeError("the chat is not open");
		return this.#chat;
	}

	async open(...argv: string[]): Promise<void> {
		const [columns, rows] = this.#size;
		this.#chat = new PtyChat(argv, { home: this.#home, columns, rows, env: this.env });
		await this.chat.ready();
	}

	async turn(): Promise<void> {
		const action = this.#pick<() => Promise<void>>([
			[40, () => this.#ask(this.#question())],
			[6, () => this.#ask(`${this.#question()} ${"and more words ".repeat(40)}`, { stopped: true })],
			[5, () => this.#ask(`${this.#question()} [[fault:503 x1]]`, { requests: 2 })],
			[4, () => this.#ask(`${this.#question()} [[fault:cut-stream x1]] some words more`)],
			[6, () => this.#paste(`${this.#question()}\n  pasted 中文 👩‍👩‍👧\n\x1b[31mred\n`)],
			[4, () => this.#ask(this.#question(), { queued: this.#question() })],
			[8, () => this.#ask("/retry")],
			[6, () => this.#ask(`/edit ${this.#question()}`)],
			[6, () => this.#compare()],
			[2, () => this.#ask("/compact", { stopped: false })],
			[8, () => this.#say("/undo")],
			[5, () => this.#say("/redo")],
			[4, () => this.#say("/answer")],
			[5, () => this.#goBack()],
			[2, () => this.#say("/clear")],
			[2, () => this.#say("/new")],
			[2, () => this.#say("/fork")],
			[2, () => this.#say(`/save kept-${++this.#names}`)],
			[3, () => this.#say(`/load ${this.#anySession()}`)],
			[3, () => this.#say(`/model ${this.#one(models)}`)],
			[3, () => this.#ask("/cache refresh", { requests: 0 })],
			[2, () => this.#say("/modle gpt-4.1")],
			[3, () => this.#leave()],
			[4, () => this.#kill()],
		]);
		await action();
	}

	/** Leaves, and compares what the chat says that its session took with what the ledger says. */
	async #leave(): Promise<void> {
		this.log.push("leave");
		await this.#clearBox();
		const { chat } = this;
		// What is not only to be told waits until everything before it is answered.
		await this.#enter("/attach");
		await chat.until("nothing is attached");
		await this.#enter("/cost");
		await chat.until(/this session: /);
		await this.#settle();
		await this.#enter("/quit");
		expect(await chat.exited).toBe(0);
		const text = chat.terminal.lines.join("\n");
		const name = text
			.match(/saved as (\S+)/g)
			?.at(-1)
			?.slice("saved as ".length);
		const said = [...text.matchAll(/this session: ([^·]+?) ·/g)].at(-1)?.[1]?.replace(/\s+/g, " ");
		const session = (await this.sessions()).find((each) => each.name === name);
		if (session !== undefined) {
			const cost = { usd: session.cost_usd, unknownCalls: session.unknown_calls };
			expect(said, this.log.join("\n")).toBe(formatCost(cost));
		}
		await this.open("-c");
	}

	async #kill(): Promise<void> {
		this.log.push("kill -9");
		this.asked += 1;
		this.kills += 1;
		await this.#clearBox();
		await this.#enter(this.#question());
		await sleep(200 * this.#random());
		await this.chat.dispose();
		await this.open("-c");
	}

	async #ask(
		text: string,
		{
			requests = 1,
			stopped = false,
			queued = "",
		}: { requests?: number; stopped?: boolean; queued?: string } = {},
	): Promise<void> {
		this.log.push(text.slice(0, 60));
		this.asked += requests + (queued === "" ? 0 : 1);
		await this.#clearBox();
		await this.#enter(text);
		if (queued !== "") await this.#enter(queued);
		if (stopped) {
			await sleep(600 * this.#random());
			this.chat.type("\x1b");
		}
		await this.#settle();
	}

	/** Enter is pressed when the text is there: together they would be a paste. */
	async #enter(text: string): Promise<void> {
		const end = text.trim().split(/\s/).at(-1)?.slice(-10) ?? "";
		this.chat.type(text);
		await this.chat.until(({ screen }) => boxOf(screen).includes(end));
		this.chat.type("\r");
	}

	#say(text: string): Promise<void> {
		return this.#ask(text, { requests: 0 });
	}

	async #paste(text: string): Promise<void> {
		this.log.push("paste");
		this.asked += 1;
		await this.#clearBox();
		this.chat.type(`\x1b[200~${text}\x1b[201~`);
		await this.chat.until(({ screen }) =>
			screen.some((line) => line.startsWith("│") && line.includes("pasted")),
		);
		this.chat.type("\r");
		await this.#settle();
	}

	async #compare(): Promise<void> {
		await this.#ask(`/compare ${this.#one(models)}`);
		await this.#say(this.#one(["1", "2"]));
	}

	/** Esc Esc, some question of the list, which is asked a little differently. */
	async #goBack(): Promise<void> {
		await this.#clearBox();
		this.chat.type("\x1b");
		await sleep(80);
		this.chat.type("\x1b");
		await sleep(80);
		for (let count = Math.floor(4 * this.#random()); count > 0; count -= 1) this.chat.type("\x1b[A");
		this.chat.type("\r");
		await sleep(50);
		this.log.push("go back");
		this.asked += 1;
		await this.#enter(` ${this.#question()}`);
		await this.#settle();
	}

	/** Nothing is being answered, and nothing stands in the box. */
	async #settle(): Promise<void> {
		let calm = 0;
		for (let count = 0; count < 3_000 && calm < 6; count += 1) {
			await sleep(10);
			const { screen } = this.chat.terminal;
			const isBusy = screen.some((line) =>
				/^ {2}(waiting for|answering|thinking|asking|trying again)/.test(line),
			);
			const isThere = screen.some((line) => line.startsWith("╰"));
			calm = isThere && !isBusy ? calm + 1 : 0;
		}
		await this.#clearBox();
	}

	/** Lists are closed, and what stands in the box is cut away line by line. */
	async #clearBox(): Promise<void> {
		for (let count = 0; count < 100; count += 1) {
			const { screen } = this.chat.terminal;
			const first = screen.findLastIndex((line) => line.startsWith("│ ›"));
			const box = screen.slice(first).filter((line) => line.startsWith("│"));
			if (box.length === 1 && ["│ ›", "│ › 1 or 2 keeps that answer"].includes(box[0] ?? "")) return;
			this.chat.type(box.some((line) => line.includes("type to filter")) ? "\x1b" : "\x15\x7f");
			await sleep(60);
		}
		throw new Error(`the box cannot be emptied:\n${this.chat.terminal.screen.join("\n")}`);
	}

	#question(): string {
		this.#questions += 1;
		return `question-${this.#questions}`;
	}

	#anySession(): string {
		const files = readdirSync(join(this.#home, "sessions")).filter((file) => file.endsWith(".jsonl"));
		return this.#one(files).replace(".jsonl", "");
	}

	#one<T>(items: readonly T[]): T {
		return items[Math.floor(this.#random() * items.length)] as T;
	}

	#pick<T>(weighted: readonly (readonly [number, T])[]): T {
		return this.#one(weighted.flatMap(([weight, item]) => Array<T>(weight).fill(item)));
	}

	async sessions(): Promise<{ name: string; cost_usd: number; unknown_calls: number }[]> {
		return JSON.parse(await this.run("sessions", "list", "--json"));
	}

	async run(...args: string[]): Promise<string> {
		const running = startLlmx(args, this.#home, this.env);
		expect(await running.ended, running.err()).toBe(0);
		return running.out();
	}
}

/** What stands in the box, its lines joined. */
function boxOf(screen: readonly string[]): string {
	return screen
		.filter((line) => line.startsWith("│"))
		.map((line) => line.slice(4))
		.join("");
}

interface Message {
	readonly type: string;
	readonly role: string;
	readonly content: string;
	readonly cost_usd: number | null;
	readonly cached: boolean;
	readonly interrupted?: boolean;
	readonly copy_of?: number;
}

function linesIn(file: string): Message[] {
	return readFileSync(file, "utf8")
		.trimEnd()
		.split("\n")
		.map((line) => JSON.parse(line));
}

/** The answers that were given in a session, without those that it shares with another or had for nothing. */
function answersIn(file: string): Message[] {
	const lines = linesIn(file);
	return lines
		.slice(lines.findLastIndex(({ type }) => type === "inherited") + 1)
		.filter(
			({ type, role, cached, copy_of }) => type === "message" && role === "assistant" && !cached && !copy_of,
		);
}

it.each([
	1, 2, 3,
])("a long day loses nothing, counts everything once and sends nothing twice (seed %i)", async (seed) => {
	const home = mkdtempSync(join(tmpdir(), "llmx-day-"));
	const latency = { medianMs: 20, p95Ms: 150 };
	const simulator = await startSimulator({ latency, tokensPerSecond: 400, seed, logSize: 10_000 });
	const day = new Day(home, simulator, seed);
	try {
		await day.open("gpt-4.1-mini");
		for (let count = 0; count < turns; count += 1) await day.turn();
		await day.chat.dispose();
		const folder = join(home, "sessions");
		const files = readdirSync(folder).filter((file) => file.endsWith(".jsonl"));
		const answers = files.flatMap((file) => answersIn(join(folder, file)));
		const rows = readFileSync(join(home, "ledger.jsonl"), "utf8")
			.trimEnd()
			.split("\n")
			.map((line) => JSON.parse(line) as { cost_usd: number | null; cached?: boolean })
			.filter(({ cached }) => !cached);
		const sum = (costs: readonly { readonly cost_usd: number | null }[]) =>
			costs.reduce((total, { cost_usd }) => total + (cost_usd ?? 0), 0);
		const story = day.log.join("\n");

		// Sent: no more than was asked for, and each request has its row, but for those that a kill took along.
		expect(simulator.stats.requests, story).toBeLessThanOrEqual(day.asked);
		const charged = simulator.requests.filter(({ outcome }) => outcome !== "503").length;
		expect(charged - rows.length, story).toBeGreaterThanOrEqual(0);
		expect(charged - rows.length, story).toBeLessThanOrEqual(day.kills);

		// Kept: each answer that was paid for is in a session.
		const known = rows.filter(({ cost_usd }) => cost_usd !== null);
		const whole = answers.filter(({ interrupted }) => !interrupted);
		expect(known.length - whole.length, story).toBeGreaterThanOrEqual(0);
		expect(known.length - whole.length, story).toBeLessThanOrEqual(day.kills);
		if (known.length === whole.length) expect(sum(whole)).toBeCloseTo(sum(known), 12);

		// Counted: all sessions together are the ledger.
		const sessions = await day.sessions();
		expect(sum(sessions)).toBeCloseTo(sum(rows), 9);

		// Within reach: everything is shown.
		for (const file of files) {
			const shown = await day.run("sessions", "show", "--all", file.replace(".jsonl", ""));
			for (const { content } of answersIn(join(folder, file)))
				expect(shown).toContain(content.split("\n")[0]?.trim() ?? "");
		}
		console.log(
			`seed ${seed}: ${simulator.stats.requests} requests for ${day.asked} questions, ${rows.length} rows, ` +
				`${answers.length} answers in ${files.length} sessions, ${day.kills} kills`,
		);
	} finally {
		await day.chat.dispose();
		await simulator.close();
		rmSync(home, { recursive: true, force: true });
	}
});
