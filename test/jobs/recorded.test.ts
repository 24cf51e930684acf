import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createHttp } from "../../src/http/http.ts";
import { JobClient } from "../../src/jobs/client.ts";
import type { JobIntent } from "../../src/jobs/contract.ts";
import { jobDialects } from "../../src/jobs/dialects/table.ts";
import type { PartFile } from "../../src/jobs/part-file.ts";
import { providers } from "../../src/providers/registry.ts";
import { type RecordedStep, recordedSteps } from "../fixtures/jobs.ts";
import { afterTest } from "../helpers/cleanup.ts";
import { describeWithMaterial, recordedText } from "../helpers/recordings.ts";

/** A server that answers everything with one text, and a client that talks to it over a socket. */
async function clientFor({ dialect, text }: RecordedStep): Promise<JobClient> {
	const server = createServer((request, response) => {
		request.resume();
		request.on("end", () => response.setHeader("content-type", "application/json").end(text));
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	const http = createHttp({ timeouts: {} });
	afterTest(async () => {
		await http.close();
		server.close();
	});
	const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	return new JobClient({
		http,
		provider: providers[dialect],
		baseUrl,
		key: "k",
		auth: {},
		signal: undefined,
	});
}

function part(): PartFile {
	const folder = mkdtempSync(join(tmpdir(), "llmx-recorded-"));
	afterTest(() => rmSync(folder, { recursive: true }));
	const path = join(folder, "part.jsonl");
	writeFileSync(path, "{}\n{}\n");
	return { path, rows: 2, bytes: 6 };
}

const intent: JobIntent = { tag: "1", modelId: "m", rows: 2, at: 0, fileId: "file-1" };

/** What a dialect makes of a step that was seen. */
async function play(recorded: RecordedStep): Promise<unknown> {
	const dialect = jobDialects[recorded.dialect];
	const client = await clientFor(recorded);
	switch (recorded.step) {
		case "upload":
			return dialect.upload?.(client, part(), intent);
		case "create":
			return dialect.create(client, part(), intent);
		case "status": {
			const { state, counts, createdAt, expiresAt, totals } = await dialect.status(client, "1");
			expect(createdAt).toBeGreaterThan(Date.parse("2026-08-01"));
			expect(expiresAt).toBe((createdAt as number) + 86_400_000);
			expect(totals).toEqual({ costUsd: null, inputTokens: null, outputTokens: null });
			return { state, ...counts };
		}
		default: {
			const lines: string[] = [];
			const isInline = recorded.dialect === "gemini";
			const status = isInline ? await dialect.status(client, "1") : undefined;
			const payload = status?.payload ?? { output_file_id: "file-out" };
			const ended = { ...status, state: "completed", payload } as Parameters<typeof dialect.download>[2];
			await dialect.download(client, "1", ended, async (piece) => void lines.push(String(piece)));
			const results = lines.join("").trim().split("\n");
			return results.map((line) => dialect.read(JSON.parse(line))).map((result) => result?.ok);
		}
	}
}

const expected: Readonly<Record<string, unknown>> = {
	"openai upload": /^file-/,
	"openai status": { state: "running", total: 2, succeeded: 0, failed: 0 },
	"openai results": [true, true],
	"anthropic create": /^msgbatch_/,
	"anthropic status ended": { state: "completed", total: 2, succeeded: 2, failed: 0 },
	"anthropic status canceling": { state: "cancelling", succeeded: null, failed: null },
	"gemini create": /^batches\//,
	"gemini results": [true, true],
	"xai create": /^batch_/,
};

async function check(recorded: RecordedStep): Promise<void> {
	const word = /"processing_status":"(\w+)"/.exec(recorded.text)?.[1];
	const name = [recorded.dialect, recorded.step, ...(recorded.step === "status" && word ? [word] : [])].join(
		" ",
	);
	const wanted = expected[name];
	expect(wanted, name).toBeDefined();
	const made = await play(recorded);
	if (wanted instanceof RegExp) expect(made).toMatch(wanted);
	else if (Array.isArray(wanted)) expect(made).toEqual(wanted);
	else expect(made).toMatchObject(wanted as object);
}

describe("what batch APIs were seen to answer is understood, over a socket", () => {
	it.each(recordedSteps)("$dialect: $step", (recorded) => check(recorded));
});

/** The recorded cycles by what they are of. */
const recordings: readonly (Pick<RecordedStep, "dialect" | "step"> & { readonly id: string })[] = [
	{ id: "openai-batch-01", dialect: "openai", step: "upload" },
	{ id: "openai-batch-03", dialect: "openai", step: "status" },
	{ id: "openai-batch-05", dialect: "openai", step: "results" },
	{ id: "anthropic-batch-01", dialect: "anthropic", step: "create" },
	{ id: "anthropic-batch-03", dialect: "anthropic", step: "status" },
	{ id: "anthropic-batch-05", dialect: "anthropic", step: "status" },
	{ id: "gemini-batch-01", dialect: "gemini", step: "create" },
	{ id: "gemini-batch-03", dialect: "gemini", step: "results" },
	{ id: "xai-batch-01", dialect: "xai", step: "create" },
];

describeWithMaterial("the recorded cycles", () => {
	it.each(recordings)("$id", async ({ id, dialect, step }) => {
		const { body_text: text } = JSON.parse(recordedText(id)) as { body_text: string };
		// The other client's rows carry their ids under another name there.
		await check({
			dialect,
			step,
			text: dialect === "gemini" ? text.replaceAll('"custom_id":', '"key":') : text,
		});
	});
});
