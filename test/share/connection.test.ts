import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect as connectTo, createServer } from "node:net";
import { join } from "node:path";
import { createServer as createTlsServer } from "node:tls";
import { describe, expect, it } from "vitest";
import { parseRedisUrl, readShareAddress } from "../../src/share/address.ts";
import { RedisConnection } from "../../src/share/connection.ts";
import { selfSignedCertificate } from "../../src/simulator/certificate.ts";
import { startLlmx } from "../batch/helpers/process.ts";
import { afterTest } from "../helpers/cleanup.ts";
import { freePort } from "../helpers/free-port.ts";
import { runProgram } from "../helpers/program.ts";
import { describeWithRedis, isInstalled, startRedis } from "../helpers/redis.ts";
import { describeWith } from "../helpers/skipping.ts";
import { makeFolder, runName, TestShard } from "./helpers/shards.ts";

const secret = "s3cr3t-Pässword/@:";

async function failure(
	action: () => Promise<unknown> | unknown,
): Promise<Error & { hint?: string; exitCode?: number }> {
	try {
		await action();
	} catch (error) {
		return error as Error;
	}
	throw new Error("nothing failed");
}

/** A server that speaks Redis' protocol and says of itself what it is told to. */
async function pretend(info: string): Promise<string> {
	const server = createServer((socket) => {
		socket.on("error", () => {});
		socket.on("data", (data) => {
			const commands =
				data.toString("latin1").match(/\$\d+\r\n(?:hello|info|client|select|auth)\r\n/gi) ?? [];
			for (const command of commands)
				if (/info/i.test(command)) socket.write(`$${Buffer.byteLength(info)}\r\n${info}\r\n`);
				else if (/hello/i.test(command)) socket.write("-ERR unknown command\r\n");
				else socket.write("+OK\r\n");
		});
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	afterTest(() => server.close());
	const address = server.address();
	return `redis://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
}

describe("the address of a Redis", () => {
	it("is a URL, or the file that holds one", () => {
		const folder = makeFolder();
		writeFileSync(join(folder, "url"), "rediss://user:secret@host/3\n");
		const where = { name: "--share", cwd: folder };
		expect(readShareAddress("url", where)).toEqual({
			url: "rediss://user:secret@host/3",
			shown: "host:6379/3",
			isPublic: false,
		});
		expect(readShareAddress("redis://:secret@host:7000", where)).toMatchObject({
			shown: "host:7000",
			isPublic: true,
		});
		expect(readShareAddress("redis://host", where).isPublic).toBe(false);
		expect(readShareAddress("redis://:secret@host", { ...where, name: "LLMX_SHARE_URL" }).isPublic).toBe(
			false,
		);
		expect(parseRedisUrl("redis://host?maxRetriesPerRequest=9#x", "it").url).toBe("redis://host");
	});

	it("is never repeated when it is of no use", async () => {
		const folder = makeFolder();
		writeFileSync(join(folder, "two"), `redis://:${secret}@host\nredis://other`);
		const where = { name: "--share", cwd: folder };
		for (const text of [
			`redis://:${secret}`,
			`redis://:hidden@host/db`,
			"hidden",
			"two",
			"redis://:hidden@",
		]) {
			const { message, hint, exitCode } = await failure(() => readShareAddress(text, where));
			expect(`${message} ${hint}`).not.toMatch(/hidden|s3cr3t/);
			expect(exitCode).toBe(2);
		}
	});
});

describe("a server that will not do", () => {
	it.each([
		["redis_version:6.2.14\r\nrun_id:x\r\n", "is too old (6.2.14)"],
		["nothing:here\r\n", "is too old (it does not say its version)"],
		["redis_version:7.2.4\r\nredis_mode:cluster\r\nrun_id:x\r\n", "is a cluster"],
	])("is refused in words: %j", async (info, expected) => {
		const { message, hint, exitCode } = await failure(async () =>
			RedisConnection.open(parseRedisUrl(await pretend(info), "it")),
		);
		expect(message).toContain(expected);
		expect(hint).toBeDefined();
		expect(exitCode).toBe(2);
	});

	it("is taken when it is Valkey", async () => {
		const info = "redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.0.1\r\nrun_id:x\r\n";
		const connection = await RedisConnection.open(parseRedisUrl(await pretend(info), "it"));
		connection.close();
	});
});

describeWithRedis("a connection", () => {
	it("says why there is none, and nothing of the password", async () => {
		const redis = await startRedis(["--requirepass", "right"]);
		const wrong = `redis://:${encodeURIComponent(secret)}@127.0.0.1:${redis.port}`;
		const refused = await failure(() => RedisConnection.open(parseRedisUrl(wrong, "it")));
		expect(refused.exitCode).toBe(4);
		expect(refused.message).toMatch(/^cannot use the Redis at 127\.0\.0\.1:\d+: WRONGPASS/);
		const none = await failure(() => RedisConnection.open(parseRedisUrl(redis.url, "it")));
		expect([none.exitCode, none.message]).toEqual([4, expect.stringContaining("NOAUTH")]);
		const gone = await failure(() =>
			RedisConnection.open(parseRedisUrl(`redis://:${encodeURIComponent(secret)}@127.0.0.1:1`, "it"), {
				patienceMs: 100,
			}),
		);
		expect([gone.exitCode, gone.message]).toEqual([5, expect.stringContaining("ECONNREFUSED")]);
		for (const { message, hint, stack, cause } of [refused, none, gone])
			expect(`${message} ${hint} ${stack} ${cause}`).not.toMatch(/s3cr3t|P%C3|Pässword/);
	});

	it("is waited for when it stands still, and one that is not there is not", async () => {
		const redis = await startRedis();
		redis.signal("SIGSTOP");
		let isHung = false;
		const opening = RedisConnection.open(parseRedisUrl(redis.url, "it"), {
			patienceMs: 2_000,
			hungMs: 60_000,
			onHung: () => {
				isHung = true;
				redis.signal("SIGCONT");
			},
		});
		(await opening).close();
		expect(isHung).toBe(true);
		await redis.kill();
		const options = { patienceMs: 100, hungMs: 60_000 };
		const gone = await failure(() => RedisConnection.open(parseRedisUrl(redis.url, "it"), options));
		expect(gone.message).toContain("ECONNREFUSED");
	});

	it("needs no more than the user of docs/sharing.md may do", async () => {
		const docs = readFileSync(new URL("../../docs/sharing.md", import.meta.url), "utf8");
		const rights = /^ {4}user llmx on >PASSWORD (.*)$/m.exec(docs)?.[1] ?? "";
		const redis = await startRedis();
		await redis.client.call("ACL", "SETUSER", "llmx", "on", ">pw", ...rights.split(" "));
		const shard = await TestShard.join(
			{ url: `redis://llmx:pw@127.0.0.1:${redis.port}` },
			{ capUsd: 0.05, label: "shard 1/1" },
		);
		await shard.spend(0.001, 4);
		expect(shard.spentUsd).toBeGreaterThan(0.045);
		await shard.run.stopAll({ text: "x", exitCode: 1, by: "y" });
		await shard.run.leave();
	});

	it("trusts a certificate that it is told to trust, and says why not another", async () => {
		const folder = makeFolder();
		const { key, cert } = selfSignedCertificate();
		const [keyPath, certPath] = [join(folder, "key"), join(folder, "cert")];
		writeFileSync(keyPath, key);
		writeFileSync(certPath, cert);
		const files = ["--tls-key-file", keyPath, "--tls-cert-file", certPath, "--tls-ca-cert-file", certPath];
		const tlsPort = await freePort();
		await startRedis(["--tls-port", String(tlsPort), ...files, "--tls-auth-clients", "no"]);
		const { code, err } = await runProgram(["batch", "status"], {
			env: { LLMX_SHARE_URL: `rediss://:s3cr3t@127.0.0.1:${tlsPort}` },
		});
		expect([code, err]).toEqual([5, expect.stringMatching(/cannot use the Redis.*self-signed certificate/)]);
		expect(err).not.toContain("s3cr3t");
	});
});

describeWith(isInstalled("openssl", "version"), "there is no openssl")("a connection with TLS", () => {
	it("is made to a server whose certificate a CA of NODE_EXTRA_CA_CERTS signed", async () => {
		const folder = makeFolder();
		const [key, cert] = [join(folder, "key"), join(folder, "cert")];
		const subject = ["-subj", "/CN=redis", "-addext", "subjectAltName=IP:127.0.0.1"];
		const form = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
		execFileSync("openssl", ["req", ...form, ...subject, "-keyout", key, "-out", cert], { stdio: "ignore" });
		const redis = await startRedis();
		// Not every build of Redis has TLS, so it ends in front of it.
		const server = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }, (socket) => {
			const inner = connectTo(redis.port, "127.0.0.1");
			socket.on("error", () => inner.destroy());
			inner.on("error", () => socket.destroy());
			socket.pipe(inner).pipe(socket);
		});
		await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
		afterTest(() => server.close());
		await TestShard.join(redis, { label: "1/1" });
		const url = `rediss://127.0.0.1:${(server.address() as AddressInfo).port}`;
		const status = startLlmx(["batch", "status", "--json"], folder, {
			LLMX_SHARE_URL: url,
			NODE_EXTRA_CA_CERTS: cert,
		});
		expect([await status.ended, status.err()]).toEqual([0, ""]);
		expect(JSON.parse(status.out())).toMatchObject({ run: runName, shards: [{ shard: "1/1", alive: true }] });
	});
});
