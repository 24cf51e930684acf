import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { CachedAnswer } from "../../src/cache/answer.ts";
import { ResponseCache, type ResponseCacheOptions } from "../../src/cache/response-cache.ts";
import { afterTest } from "../helpers/cleanup.ts";
import { runProgram } from "../helpers/program.ts";
import { describeWithRedis, startRedis } from "../helpers/redis.ts";

const answer = (text: string): CachedAnswer => ({
	choices: [{ text, reasoning: null, finishReason: "stop" }],
	usage: null,
	costUsd: 0.5,
});

function open(url: string, options: ResponseCacheOptions = {}): ResponseCache {
	const cache = new ResponseCache("/nowhere/responses.sqlite", { url, ...options });
	afterTest(() => cache.close());
	return cache;
}

describeWithRedis("a cache in Redis", () => {
	it("holds answers for all who use it", async () => {
		const { url } = await startRedis();
		const first = open(url);
		await Promise.all(["a", "b", "c"].map((key) => first.set(key, answer(key))));
		const second = open(url);
		expect(await second.getMany(["c", "none", "a"])).toEqual([answer("c"), undefined, answer("a")]);
		expect(await second.statistics()).toMatchObject({ entries: 3 });
		expect(await second.findDamage()).toBeNull();
		expect(await second.clear()).toBe(3);
		expect(await first.get("a")).toBeUndefined();
	});

	it("takes what is damaged, or somebody else's, for a miss, and the others for what they are", async () => {
		const { url, client } = await startRedis();
		const warnings: string[] = [];
		const cache = open(url, { onWarning: (text) => warnings.push(text) });
		await Promise.all(["a", "b", "c", "d", "e"].map((key) => cache.set(key, answer(key))));
		await client.set("llmx:cache:a", "{");
		await client.set("llmx:cache:b", '{"value":1}');
		await client.setrange("llmx:cache:c", 3, "\0\xff");
		await client.del("llmx:cache:d");
		await client.hset("llmx:cache:d", "not", "a string");
		expect(await cache.getMany(["a", "b", "c", "d", "e"])).toEqual([
			undefined,
			undefined,
			undefined,
			undefined,
			answer("e"),
		]);
		expect(warnings).toEqual([]);
		await cache.set("a", answer("again"));
		expect(await open(url).get("a")).toEqual(answer("again"));
	});

	it("forgets what is too old, in Redis too", async () => {
		const { url, client } = await startRedis();
		const cache = open(url, { maxAgeMs: 3_600_000 });
		await cache.set("a", answer("a"));
		const ttl = await client.pttl("llmx:cache:a");
		expect(ttl).toBeGreaterThan(3_000_000);
		expect(ttl).toBeLessThanOrEqual(3_600_000);
		const later = open(url, { maxAgeMs: 3_600_000, now: () => Date.now() + 3_700_000 });
		expect(await later.get("a")).toBeUndefined();
		expect(await later.clear(3_600_000)).toBe(1);
	});

	it("is done without, with one warning, when its server is not there, dies, or is full", async () => {
		const redis = await startRedis();
		const warnings: string[] = [];
		const onWarning = (text: string) => warnings.push(text);
		const cache = open(redis.url, { onWarning });
		await cache.set("a", answer("a"));
		await redis.client.config("SET", "maxmemory", "1");
		await cache.set("b", answer("b"));
		expect(await cache.get("c")).toBeUndefined();
		await redis.kill();
		expect(await cache.get("a")).toBeUndefined();
		await cache.set("d", answer("d"));
		expect(warnings).toHaveLength(1);
		expect(warnings[0]).toContain(`continuing without the response cache 127.0.0.1:${redis.port}: `);
		const another = open(redis.url.replace("redis://", "redis://user:pa55w0rd@"), { onWarning });
		expect(await another.get("a")).toBeUndefined();
		await another.set("a", answer("a"));
		expect(warnings).toHaveLength(2);
		expect(warnings[1]).toContain("ECONNREFUSED");
		expect(warnings[1]).not.toContain("pa55w0rd");
	});

	it("is not waited for again and again when its server hangs", async () => {
		const redis = await startRedis();
		const warnings: string[] = [];
		const cache = open(redis.url, { onWarning: (text) => warnings.push(text) });
		await cache.set("a", answer("a"));
		redis.signal("SIGSTOP");
		afterTest(() => redis.signal("SIGCONT"));
		expect(await cache.get("a")).toBeUndefined();
		const startedAt = performance.now();
		for (let times = 0; times < 20; times++) expect(await cache.get("a")).toBeUndefined();
		// One reply is waited for at most, and not twenty.
		expect(performance.now() - startedAt).toBeLessThan(20_000);
		expect(warnings).toHaveLength(1);
	});
});

it("doctor says of a cache in Redis what can be done about it", async () => {
	const home = mkdtempSync(join(tmpdir(), "llmx-cache-"));
	afterTest(() => rmSync(home, { recursive: true, force: true }));
	writeFileSync(join(home, "config.json"), JSON.stringify({ cache: { url: "redis://127.0.0.1:1/2" } }), {
		mode: 0o600,
	});
	const { out } = await runProgram(["doctor"], { env: { LLMX_HOME: home } });
	expect(out).toMatch(
		/cache +cannot use the Redis at 127\.0\.0\.1:1\/2: .*ECONNREFUSED.*\n +check host and port/,
	);
	expect(out).not.toContain("cache clear");
});
