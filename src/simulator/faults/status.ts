import { type Call, json } from "../call.ts";
import { geminiQuotaError } from "../refusals.ts";
import { hostileText } from "../samples.ts";
import type { ErrorDetails } from "../wires/wire.ts";
import { type Fault, speaksOpenAi } from "./fault.ts";

const contextWindow = 8_192;
const badKeyMessage = "Incorrect API key provided: sk-s***ated. You can find your API key in the dashboard.";

/** Answers with a status and the wire's own error body. */
function fail(call: Call, status: number, details: ErrorDetails, headers: readonly string[] = []): void {
	call.send(status, json, call.wire.error(status, details), headers);
}

/** A row whose fault is a status alone, with what the wire usually says about it. */
export function statusFault(status: number): Fault {
	return {
		name: String(status),
		row: rowOf(status),
		does: `answers HTTP ${status} with the wire's error body`,
		play(call) {
			if (status === 401) badKey(call);
			else if (status === 429) fail(call, 429, { message: "Rate limit reached. Please try again later." });
			else fail(call, status, { message: `Simulated failure with status ${status}.` });
		},
	};
}

function rowOf(status: number): string {
	const rows: Readonly<Record<number, string>> = { 401: "9", 402: "10", 403: "9b", 429: "12" };
	return rows[status] ?? ([400, 404, 413, 422, 501].includes(status) ? "8" : "11");
}

/** Gemini has no 401 for a key it does not know: it is a 400 with a reason. */
function badKey(call: Call): void {
	if (call.request.wire === "gemini")
		fail(call, 400, {
			message: "API key not valid. Please pass a valid API key.",
			details: [
				{
					"@type": "type.googleapis.com/google.rpc.ErrorInfo",
					reason: "API_KEY_INVALID",
					domain: "googleapis.com",
					metadata: { service: "generativelanguage.googleapis.com" },
				},
			],
		});
	else if (call.request.wire === "anthropic")
		fail(call, 401, { message: "invalid x-api-key" }, ["x-should-retry", "false"]);
	else fail(call, 401, { message: badKeyMessage });
}

/** A 429 whose only hint is the header `name` with `value` as it is. */
function hintHeader(name: string, standard: string): Fault {
	return {
		name: `429-${name}`,
		row: "12, 13",
		does: `answers 429 with the header ${name}: VALUE`,
		value: `the header as it is (${standard}); also negative, past, huge or nonsense`,
		play: (call, value = standard) => fail(call, 429, { message: "Rate limit reached." }, [name, value]),
	};
}

const plainStatuses = [
	400, 404, 413, 422, 501, 401, 403, 402, 409, 425, 500, 502, 503, 529, 520, 408, 499, 504, 410, 418,
];

export const statusFaults: readonly Fault[] = [
	...plainStatuses.map(statusFault),
	{
		name: "context-length",
		row: "8",
		does: "answers 400: the prompt is longer than the model's context window, with both sizes",
		play(call) {
			const asked = Math.max(call.answer.inputTokens, contextWindow + 1);
			const openAiWords = `This model's maximum context length is ${contextWindow} tokens. However, your messages resulted in ${asked} tokens. Please reduce the length of the messages.`;
			const message = {
				openai: openAiWords,
				responses: openAiWords,
				anthropic: `prompt is too long: ${asked} tokens > ${contextWindow} maximum`,
				gemini: `The input token count (${asked}) exceeds the maximum number of tokens allowed (${contextWindow}).`,
			}[call.request.wire];
			const code = speaksOpenAi(call) ? "context_length_exceeded" : undefined;
			fail(call, 400, { message, code, param: "messages" });
		},
	},
	{
		name: "context-length-local",
		row: "8",
		does: "the same as llama-server says it: a numeric code and the sizes as fields",
		wires: ["openai"],
		play(call) {
			const asked = Math.max(call.answer.inputTokens, contextWindow + 1);
			const error = {
				code: 400,
				message: `request (${asked} tokens) exceeds the available context size (${contextWindow} tokens), try increasing it`,
				type: "exceed_context_size_error",
				n_prompt_tokens: asked,
				n_ctx: contextWindow,
			};
			call.send(400, json, JSON.stringify({ error }));
		},
	},
	{
		name: "401-detail",
		row: "9",
		does: 'answers 401 {"detail": "Unauthorized"}, as Mistral does',
		wires: ["openai"],
		play: (call) => call.send(401, json, JSON.stringify({ detail: "Unauthorized" })),
	},
	{
		name: "key-echo",
		row: "9",
		does: "answers an error whose text and headers repeat the caller's key",
		value: "the status (401)",
		play(call, value = "401") {
			const { key } = call.request;
			fail(
				call,
				Number(value),
				{ message: `Incorrect API key provided: ${key}. Authorization: Bearer ${key}` },
				["x-echo", key.replace(/[^\x21-\x7e]/g, "")],
			);
		},
	},
	{
		name: "403-moderation",
		row: "9b",
		does: "answers 403: the prompt was flagged (OpenRouter's shape on the OpenAI wire)",
		play(call) {
			if (call.request.wire !== "openai") {
				fail(call, 403, { message: "The prompt was flagged by moderation." });
				return;
			}
			const metadata = {
				reasons: ["violence"],
				flagged_input: call.request.prompt.slice(0, 100),
				provider_name: "Simulator",
			};
			call.send(
				403,
				json,
				JSON.stringify({
					error: { code: 403, message: "The prompt requires moderation and was flagged.", metadata },
				}),
			);
		},
	},
	{
		name: "insufficient-quota",
		row: "10",
		does: "429: the account has no credit (OpenAI's insufficient_quota, Gemini's daily quota)",
		wires: ["openai", "responses", "gemini"],
		play(call) {
			if (call.request.wire === "gemini") {
				perDay(call);
				return;
			}
			fail(call, 429, {
				message: "You exceeded your current quota, please check your plan and billing details.",
				type: "insufficient_quota",
				code: "insufficient_quota",
			});
		},
	},
	{
		name: "spend-limit",
		row: "10",
		does: "429 organization_spend_limit_exceeded",
		wires: ["openai"],
		play: (call) =>
			fail(call, 429, {
				message: "Your organization has reached its monthly spend limit.",
				type: "billing_error",
				code: "organization_spend_limit_exceeded",
			}),
	},
	{
		name: "credit-balance",
		row: "10",
		does: "400: the credit balance is too low, as Anthropic says it",
		wires: ["anthropic"],
		play: (call) =>
			fail(call, 400, {
				message:
					"Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.",
			}),
	},
	{
		name: "per-day",
		row: "10",
		does: "429 with a PerDay quota and a RetryInfo of a few seconds that does not help",
		wires: ["gemini"],
		play: perDay,
	},
	{
		name: "limit-zero",
		row: "10",
		does: '429 "limit: 0": the model is not in this plan',
		wires: ["gemini"],
		play: (call) =>
			call.send(
				429,
				json,
				geminiQuotaError(
					"GenerateContentInputTokensPerModelPerMinute-FreeTier",
					0,
					5_000,
					call.request.model,
				),
			),
	},
	{
		name: "should-retry-false",
		row: "11",
		does: "503 with x-should-retry: false",
		play: (call) => fail(call, 503, { message: "Do not try again." }, ["x-should-retry", "false"]),
	},
	{
		name: "html-502",
		row: "11",
		does: "502 with a long HTML page that carries terminal escapes",
		play: (call) =>
			call.send(
				502,
				"text/html",
				`<html><head><title>502 Bad Gateway</title></head><body>${hostileText}${"<p>x</p>".repeat(5_000)}</body></html>`,
			),
	},
	{
		name: "text-503",
		row: "11",
		does: "503 as text/plain, as SambaNova sends it",
		play: (call) => call.send(503, "text/plain", "Service Temporarily Unavailable"),
	},
	{
		name: "hostile-error",
		row: "8",
		does: "400 whose message carries terminal escapes",
		play: (call) => fail(call, 400, { message: hostileText }),
	},
	{ ...statusFault(429), does: "429 without any hint" },
	hintHeader("retry-after", "1"),
	hintHeader("retry-after-ms", "50"),
	{
		name: "429-date",
		row: "12",
		does: "answers 429 with retry-after as an HTTP date",
		value: "seconds from now (2)",
		play: (call, value = "2") =>
			fail(call, 429, { message: "Rate limit reached." }, [
				"retry-after",
				new Date(Date.now() + Number(value) * 1_000).toUTCString(),
			]),
	},
	{
		name: "429-retry-info",
		row: "12, 13",
		does: "429 RESOURCE_EXHAUSTED with RetryInfo",
		wires: ["gemini"],
		value: 'the delay as it is ("0.05s")',
		play(call, value = "0.05s") {
			fail(call, 429, {
				message: "Resource has been exhausted (e.g. check quota).",
				details: [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: value }],
			});
		},
	},
	{
		name: "429-message",
		row: "12, 13",
		does: 'answers 429 whose only hint is the sentence "Please retry in VALUE."',
		value: 'the delay as it is ("0.05s")',
		play: (call, value = "0.05s") =>
			fail(call, 429, { message: `Rate limit reached. Please retry in ${value}.` }),
	},
	{
		name: "queue-full",
		row: "12",
		does: "429 queue_full without a hint, as SambaNova sends it",
		wires: ["openai"],
		play: (call) =>
			fail(call, 429, { message: "The queue is full.", type: "queue_full", code: "queue_full" }),
	},
];

function perDay(call: Call): void {
	call.send(
		429,
		json,
		geminiQuotaError("GenerateRequestsPerDayPerProjectPerModel-FreeTier", 250, 27_390, call.request.model),
	);
}
