import { spawn } from "node:child_process";
import { hash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync, StatementSync } from "node:sqlite";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { CachedAnswer } from "../../src/cache/answer.ts";
import { cacheKey, canonicalJson } from "../../src/cache/key.ts";
import { ResponseCache } from "../../src/cache/response-cache.ts";
import { sha256 } from "../../src/cache/sha256.ts";
import { ensurePrivateFile } from "../../src/state/files.ts";
import { anyText } from "../helpers/any-text.ts";

const config = { provider: "openai", baseUrl: "https://api.openai.com/v1", temperature: 0 };
const prompt = { model: "gpt-4.1-mini", prompt: "hi", system: null, config };
const chat = {
	model: "gpt-4.1-mini",
	messages: [
		{ role: "user", content: "a" },
		{ role: "assistant", content: "b" },
	],
	config,
} as const;

describe("cacheKey", () => {
	it("is the same for the same request, on any machine", () => {
		expect(cacheKey(prompt)).toBe(cacheKey({ ...prompt, config: { ...config } }));
		expect(cacheKey(prompt)).toBe("5c72df041dc8058d934b95245e506ed294645bfb74211402de36e6139c7601bb");
		expect(cacheKey(chat)).toBe("2cc2535eaf44f527a6b12bb098136bb32bc21b2509af112dfd4348311898e54c");
	});

	it("does not depend on the order of keys or on undefined fields", () => {
		const shuffled = { temperature: 0, seed: undefined, baseUrl: config.baseUrl, provider: "openai" };
		expect(cacheKey({ config: shuffled, system: null, prompt: "hi", model: "gpt-4.1-mini" })).toBe(
			cacheKey(prompt),
		);
	});

	it("depends on the order of messages and on their attachments", () => {
		expect(cacheKey({ ...chat, messages: [...chat.messages].reverse() })).not.toBe(cacheKey(chat));
		const withImage = (data: string) =>
			cacheKey({
				...chat,
				messages: [{ role: "user", content: [{ type: "image", mediaType: "image/png", data }] }],
			});
		expect(withImage("AAAA")).not.toBe(withImage("AAAB"));
	});

	it("depends on the model, the system prompt, the provider, the base URL and every parameter", () => {
		const keys = [
			cacheKey(prompt),
			cacheKey({ ...prompt, model: "gpt-4.1" }),
			cacheKey({ ...prompt, prompt: "hi " }),
			cacheKey({ ...prompt, system: "" }),
			cacheKey({ ...prompt, config: { ...config, provider: "litellm" } }),
			cacheKey({ ...prompt, config: { ...config, baseUrl: "http://localhost:4000" } }),
			cacheKey({ ...prompt, config: { ...config, temperature: 1 } }),
			cacheKey({ ...prompt, config: { ...config, n: 2 } }),
		];
		expect(new Set(keys).size).toBe(keys.length);
	});

	it("keeps the two shapes apart whatever is in them", () => {
		fc.assert(
			fc.property(fc.string(), fc.json(), (model, text) => {
				const asPrompt = cacheKey({ model, prompt: text, system: null, config });
				const asMessages = cacheKey({ model, messages: [{ role: "user", content: text }], config });
				return asPrompt !== asMessages;
			}),
		);
	});

	it("stands on JSON in which the order of keys does not matter", () => {
		expect(canonicalJson({ role: "user", content: ["b", { z: 1, y: 2, x: undefined }] })).toBe(
			'{"content":["b",{"y":2,"z":1}],"role":"user"}',
		);
		fc.assert(
			fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
				const turned = Object.fromEntries(Object.entries(value).reverse());
				expect(canonicalJson(turned)).toBe(canonicalJson(value));
			}),
		);
	});

	it("stands on JSON that reads back as the same value", () => {
		fc.assert(
			fc.property(fc.jsonValue(), (value) => {
				expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
			}),
		);
	});
});

describe("sha256", () => {
	it("is what node:crypto computes, of texts of any length and any characters", () => {
		for (let length = 0; length < 130; length += 1) {
			const text = "é".repeat(length % 7) + "a".repeat(length);
			expect(sha256(text)).toBe(hash("sha256", text));
		}
		fc.assert(
			fc.property(anyText(300), (text) => sha256(text) === hash("sha256", text)),
			{ numRuns: 30 },
		);
		expect(sha256("\ud800 \u0000 模型")).toBe(hash("sha256", "\ud800 \u0000 模型"));
	});
});

describe("ResponseCache", () => {
	let folder: string;
	let path: string;
	let warnings: string[];
	let caches: ResponseCache[];
	beforeEach(() => {
		folder = mkdtempSync(join(tmpdir(), "llmx-cache-"));
		path = join(folder, "cache", "responses.sqlite");
		warnings = [];
		caches = [];
	});
	afterEach(async () => {
		for (const cache of caches) await cache.close();
		rmSync(folder, { recursive: true, force: true });
	});

	function open(options: ConstructorParameters<typeof ResponseCache>[1] = {}): ResponseCache {
		const cache = new ResponseCache(path, { onWarning: (message) => warnings.push(message), ...options });
		caches.push(cache);
		return cache;
	}

	const answer: CachedAnswer = {
		choices: [{ text: "hello \u0000 \ud800 模型", reasoning: "because", finishReason: "stop" }],
		usage: {
			inputTokens: 4,
			cachedInputTokens: 1,
			cacheWriteTokens: 0,
			audioInputTokens: 0,
			outputTokens: 2,
			reasoningTokens: 1,
		},
		costUsd: 0.001,
	};

	it("finds what was stored, also in a new process, in private files", async () => {
		const cache = open();
		expect(await cache.get("a")).toBeUndefined();
		await cache.set("a", answer);
		await cache.set("b", { ...answer, usage: null, costUsd: null });
		for (const name of readdirSync(join(folder, "cache")))
			expect(statSync(join(folder, "cache", name)).mode & 0o777).toBe(0o600);
		await cache.close();
		const again = open();
		expect(await again.get("a")).toEqual(answer);
		expect(await again.get("b")).toMatchObject({ usage: null, costUsd: null });
		expect(warnings).toEqual([]);
	});

	it("finds what earlier versions stored, and they would find what it stores", async () => {
		ensurePrivateFile(path);
		const row = { choices: [{ text: "hi", reasoning: null, finish_reason: "stop" }], usage: null };
		const value = JSON.stringify({ value: { ...row, cost_usd: null, created_at: 1 } });
		const database = new DatabaseSync(path);
		database.exec("PRAGMA journal_mode = WAL");
		// The statements of @keyv/sqlite 6.0.0-beta.4.
		database.exec(
			`CREATE TABLE IF NOT EXISTS "responses"(key VARCHAR(64) NOT NULL, value TEXT, namespace VARCHAR(255) NOT NULL DEFAULT '', expires BIGINT DEFAULT NULL, UNIQUE(key, namespace))`,
		);
		const upsert = database.prepare(
			`INSERT INTO "responses" (key, value, namespace, expires) VALUES (?, ?, ?, ?) ON CONFLICT(key, namespace) DO UPDATE SET value=excluded.value, expires=excluded.expires`,
		);
		upsert.run("old", value, "", null);
		upsert.run("both", value, "", null);
		const cache = open();
		expect((await cache.get("old"))?.choices[0]?.text).toBe("hi");
		await cache.set("both", answer);
		await cache.set("new", answer);
		const stored = database.prepare(`SELECT * FROM "responses" WHERE key = ? AND namespace = ?`);
		for (const key of ["both", "new"]) {
			const { value, expires } = stored.get(key, "") as { value: string; expires: unknown };
			expect(expires).toBeNull();
			expect(Object.keys(JSON.parse(value) as object)).toEqual(["value"]);
		}
		expect(database.prepare(`SELECT COUNT(*) AS count FROM "responses"`).get()).toEqual({ count: 3 });
		database.close();
	});

	it("opens nothing before it is asked", () => {
		open();
		expect(readdirSync(folder)).toEqual([]);
	});

	it("finds an answer that is still being written", async () => {
		const cache = open();
		const written = cache.set("a", answer);
		expect(await cache.get("a")).toEqual(answer);
		await written;
		expect(await cache.get("a")).toEqual(answer);
	});

	it("does not find answers older than the age limit", async () => {
		let now = 1_000_000;
		const cache = open({ now: () => now, maxAgeMs: 1000 });
		await cache.set("a", answer);
		now += 1000;
		expect(await cache.get("a")).toEqual(answer);
		now += 1;
		expect(await cache.get("a")).toBeUndefined();
	});

	it("counts entries and bytes, and clears by age or altogether", async () => {
		let now = 1_000_000;
		const cache = open({ now: () => now });
		for (let count = 0; count < 300; count += 1) void cache.set(`old ${count}`, answer);
		await cache.set("old", answer);
		now += 5000;
		await cache.set("new", answer);
		const { entries, bytes } = await cache.statistics();
		expect(entries).toBe(302);
		expect(bytes).toBeGreaterThan(10_000);
		expect(await cache.findDamage()).toBeNull();
		expect(await cache.clear(3000)).toBe(301);
		expect(await cache.get("new")).toEqual(answer);
		expect(await cache.clear()).toBe(1);
		expect((await cache.statistics()).bytes).toBeLessThan(bytes);
	});

	it("warns once about a damaged database, goes on, and can be cleared", async () => {
		const first = open();
		await first.set("a", answer);
		await first.close();
		writeFileSync(path, "not a database, but long enough to look at".repeat(100));
		const cache = open();
		expect(await cache.get("a")).toBeUndefined();
		await cache.set("a", answer);
		expect(await cache.get("b")).toBeUndefined();
		expect(warnings).toHaveLength(1);
		expect(warnings[0]).toContain(path);
		expect(warnings[0]).toContain("llmx cache clear");
		expect(await cache.clear()).toBeNull();
		await cache.set("a", answer);
		expect(await cache.get("a")).toEqual(answer);
	});

	it("notices damage in the middle of the database when asked to look", async () => {
		const cache = open();
		for (let count = 0; count < 2000; count += 1) void cache.set(`key ${count}`, answer);
		await cache.close();
		const bytes = readFileSync(path);
		bytes.fill(0x5a, 40_960, 81_920);
		writeFileSync(path, bytes);
		expect(
			await open()
				.findDamage()
				.catch((error: Error) => error.message),
		).toMatch(/malformed|page|Tree/i);
	});

	it("calls an answer with a damaged row missing", async () => {
		const cache = open();
		await cache.set("a", answer);
		const database = new DatabaseSync(path);
		database.exec("UPDATE responses SET value = '{\"value\":'");
		database.close();
		expect(await cache.get("a")).toBeUndefined();
		await cache.set("a", answer);
		expect(await cache.get("a")).toEqual(answer);
		expect(warnings).toEqual([]);
	});

	it.each([
		"not json",
		'{"value":null}',
		'{"value":7}',
		'{"value":[]}',
		"{}",
		'{"value":{"choices":null}}',
		'{"value":{"choices":[],"usage":null,"cost_usd":null,"created_at":1}}',
		'{"value":{"choices":[{"text":5}],"usage":null,"cost_usd":null,"created_at":1}}',
		'{"value":{"choices":[{"text":"a","reasoning":null,"finish_reason":"new"}],"usage":null,"cost_usd":0,"created_at":1}}',
		'{"value":{"choices":[{"text":"a","reasoning":null,"finish_reason":"stop","tools":[]}],"usage":null,"cost_usd":0,"created_at":1}}',
		'{"value":{"choices":[{"text":"a","reasoning":null,"finish_reason":"stop"}],"usage":{},"cost_usd":0,"created_at":1}}',
		'{"value":{"choices":[{"text":"a","reasoning":null,"finish_reason":"stop"}],"usage":null,"cost_usd":-1,"created_at":1}}',
		'{"value":{"choices":[{"text":"a","reasoning":null,"finish_reason":"stop"}],"usage":null,"cost_usd":0}}',
	])("asks again for the one answer whose row is %s, and for no other", async (value) => {
		const cache = open();
		for (const key of ["a", "b", "c"]) await cache.set(key, answer);
		const database = new DatabaseSync(path);
		const { key } = database.prepare("SELECT key FROM responses WHERE key LIKE '%b'").get() as {
			key: string;
		};
		database.prepare("UPDATE responses SET value = ? WHERE key = ?").run(value, key);
		database.close();
		expect(await cache.getMany(["a", "b", "c"])).toEqual([answer, undefined, answer]);
		await cache.set("b", answer);
		expect(await cache.getMany(["a", "b", "c"])).toEqual([answer, answer, answer]);
		expect(warnings).toEqual([]);
	});

	it("is not turned off by one query that fails", async () => {
		const cache = open();
		await cache.set("a", answer);
		const original = StatementSync.prototype.get;
		StatementSync.prototype.get = () => {
			throw Object.assign(new Error("disk I/O error"), { errcode: 10 });
		};
		expect(await cache.get("a")).toBeUndefined();
		StatementSync.prototype.get = original;
		expect(await cache.get("a")).toEqual(answer);
		expect(warnings).toHaveLength(1);
	});

	it("finds the newer of two answers while the older one is being written", async () => {
		await open().set("other", answer);
		const locker = new DatabaseSync(path);
		locker.exec("BEGIN EXCLUSIVE");
		const newer = { ...answer, costUsd: 0.5 };
		let written: Promise<void> | undefined;
		const cache = open({
			sleep: async () => {
				// The write of the older one has begun, and waits for the lock.
				written ??= cache.set("a", newer);
				locker.exec("ROLLBACK");
			},
		});
		await cache.set("a", answer);
		expect(await cache.get("a")).toEqual(newer);
		await written;
		locker.close();
		expect(await open().get("a")).toEqual(newer);
	});

	it("goes on without a folder it may not write", async () => {
		writeFileSync(join(folder, "cache"), "a file where the folder should be");
		const cache = open();
		expect(await cache.get("a")).toBeUndefined();
		await cache.set("a", answer);
		expect(warnings).toHaveLength(1);
	});

	it("waits for a lock with growing, jittered delays, and then goes on without", async () => {
		const first = open();
		await first.set("a", answer);
		const delays: number[] = [];
		const cache = open({ random: () => 1, sleep: async (ms) => void delays.push(ms) });
		const locker = new DatabaseSync(path);
		locker.exec("BEGIN EXCLUSIVE");
		const beganAt = performance.now();
		expect(await cache.get("a")).toEqual(answer);
		const writing = cache.set("b", answer);
		await writing;
		// It is not waited for so long a second time.
		const before = delays.length;
		await cache.set("c", answer);
		expect(delays).toHaveLength(before);
		locker.exec("ROLLBACK");
		locker.close();
		expect(delays.slice(0, 4)).toEqual([10, 20, 40, 80]);
		const waited = delays.reduce((sum, delay) => sum + delay, 0);
		// The tries themselves wait as well, on a busy machine for longer.
		expect(waited + performance.now() - beganAt).toBeGreaterThanOrEqual(3_000);
		expect(waited).toBeLessThan(3_500);
		expect(warnings).toHaveLength(1);
		expect(warnings[0]).toContain("locked");
	});

	it("is closed only when a write that waits for a lock has ended", async () => {
		await open().set("a", answer);
		const locker = new DatabaseSync(path);
		locker.exec("BEGIN EXCLUSIVE");
		let retry: (() => void) | undefined;
		const cache = open({
			sleep: () =>
				new Promise((resolve) => {
					retry = resolve;
				}),
		});
		void cache.set("b", answer);
		await vi.waitFor(() => expect(retry).toBeDefined());
		let closed = false;
		const closing = cache.close().then(() => {
			closed = true;
		});
		for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
		expect(closed).toBe(false);
		locker.exec("ROLLBACK");
		locker.close();
		retry?.();
		await closing;
		expect((await open().statistics()).entries).toBe(2);
	});

	it("loses no write when processes share it", async () => {
		const module = new URL("../../src/cache/response-cache.ts", import.meta.url).href;
		const code = `import { ResponseCache } from ${JSON.stringify(module)};
			const cache = new ResponseCache(process.argv[1], { onWarning: (message) => { console.error(message); process.exitCode = 1; } });
			const answer = JSON.parse(process.argv[2]);
			for (let round = 0; round < 60; round += 1) await Promise.all([0, 1, 2].map((part) => cache.set(process.pid + " " + round + " " + part, answer)));
			await cache.close();`;
		const run = () =>
			new Promise<void>((resolve, reject) => {
				const argv = ["--input-type=module", "-e", code, path, JSON.stringify(answer)];
				const child = spawn(process.execPath, argv, { stdio: ["ignore", "inherit", "inherit"] });
				child.once("exit", (status) => (status === 0 ? resolve() : reject(new Error(`exit ${status}`))));
			});
		await Promise.all(Array.from({ length: 4 }, run));
		expect((await open().statistics()).entries).toBe(4 * 180);
	});
});
