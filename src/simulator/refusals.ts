import type { Dialect } from "./dialect-names.ts";
import { goDuration, type HeaderList, limitHeaders } from "./dialects.ts";
import type { Dimension, LimitState } from "./limits.ts";
import { anthropicWire } from "./wires/anthropic.ts";
import { geminiWire } from "./wires/gemini.ts";
import { openAiWire } from "./wires/openai.ts";

export interface RefusalResponse {
	readonly status: number;
	readonly headers: HeaderList;
	readonly body: string;
}

/** The 429 of a dialect. `hintMs` is undefined when it must not say how long to wait. */
export function refusal(
	dialect: Dialect,
	limitedBy: Dimension,
	hintMs: number | undefined,
	state: LimitState,
	epochMs: number,
	model: string,
): RefusalResponse {
	const headers = limitHeaders(dialect, state, epochMs);
	const wait = hintMs === undefined ? undefined : Math.ceil(hintMs);
	const says = (name: string, value: string) => {
		if (wait !== undefined) headers.push(name, value);
	};
	const inSeconds = String(Math.ceil((wait ?? 0) / 1_000));
	switch (dialect) {
		case "openai":
		case "none": {
			if (dialect === "openai") {
				says("retry-after-ms", String(wait));
				says("retry-after", inSeconds);
			}
			const what = {
				requests: "requests per min (RPM)",
				tokens: "tokens per min (TPM)",
				"requests-day": "requests per day (RPD)",
				"in-flight": "concurrent requests",
			}[limitedBy];
			const again =
				wait === undefined || dialect === "none" ? "" : ` Please try again in ${goDuration(wait)}.`;
			return {
				status: 429,
				headers,
				body: openAiWire.error(429, {
					message: `Rate limit reached for ${model} on ${what}.${again}`,
					type: limitedBy === "tokens" ? "tokens" : "requests",
					code: "rate_limit_exceeded",
				}),
			};
		}
		case "azure":
			says("retry-after", "1");
			says("retry-after-ms", "0");
			return {
				status: 429,
				headers,
				body: JSON.stringify({
					error: {
						code: "RateLimitReached",
						message: `Your requests to ${model} have exceeded rate limit.`,
						details: `Your requests to ${model} have exceeded rate limit.`,
					},
				}),
			};
		case "anthropic":
			says("retry-after", inSeconds);
			return {
				status: 429,
				headers,
				body: anthropicWire.error(429, {
					message: `This request would exceed your organization's rate limit of ${limitedBy}.`,
				}),
			};
		case "gemini":
			return { status: 429, headers, body: geminiRefusal(limitedBy, wait, state, model) };
		case "sambanova":
			says("retry-after", inSeconds);
			return {
				status: 429,
				headers,
				body: openAiWire.error(429, {
					message: "Rate limit exceeded",
					type: "insufficient_quota",
					code: "insufficient_quota",
				}),
			};
		case "groq":
			says("retry-after", inSeconds);
			return {
				status: 429,
				headers,
				body: openAiWire.error(429, {
					message: `Rate limit reached for model \`${model}\` on ${limitedBy === "tokens" ? "tokens per minute (TPM)" : "requests per minute (RPM)"}.${wait === undefined ? "" : ` Please try again in ${goDuration(wait)}.`}`,
					type: limitedBy === "tokens" ? "tokens" : "requests",
				}),
			};
		case "together":
			says("retry-after", inSeconds);
			return {
				status: 429,
				headers,
				body: openAiWire.error(429, {
					message: `You have reached the rate limit specific to this model ${model}.`,
					type: "model_rate_limit",
					code: null,
				}),
			};
		case "mistral":
			return {
				status: 429,
				headers,
				body: JSON.stringify({
					object: "error",
					message: "Requests rate limit exceeded",
					type: "rate_limited",
					param: null,
					code: "1300",
				}),
			};
		case "openrouter":
			return {
				status: 429,
				headers,
				body: JSON.stringify({
					error: {
						message: "Provider returned error",
						code: 429,
						metadata: {
							raw: `${model} is temporarily rate-limited upstream. Please retry shortly${wait === undefined ? "" : ` (try again in ${wait / 1_000}s)`}, or add your own key.`,
							provider_name: "Simulator",
						},
					},
					user_id: "user_simulated",
				}),
			};
	}
}

/** The quota ids of Gemini's 429; PerDay means that waiting does not help today. */
const geminiQuotaIds: Readonly<Record<Dimension, string>> = {
	requests: "GenerateRequestsPerMinutePerProjectPerModel",
	tokens: "GenerateContentPaidTierInputTokensPerModelPerMinute",
	"requests-day": "GenerateRequestsPerDayPerProjectPerModel-FreeTier",
	"in-flight": "GenerateRequestsPerMinutePerProjectPerModel",
};

function geminiRefusal(
	limitedBy: Dimension,
	wait: number | undefined,
	state: LimitState,
	model: string,
): string {
	const level = {
		requests: state.requests,
		tokens: state.tokens,
		"requests-day": state.requestsDay,
		"in-flight": undefined,
	}[limitedBy];
	return geminiQuotaError(geminiQuotaIds[limitedBy], level?.limit ?? 0, wait, model);
}

/** Gemini's 429 with QuotaFailure and, when `waitMs` is given, RetryInfo and the sentence that repeats it. */
export function geminiQuotaError(
	quotaId: string,
	limit: number,
	waitMs: number | undefined,
	model: string,
): string {
	const metric = "generativelanguage.googleapis.com/generate_content_requests";
	const delay = waitMs === undefined ? undefined : `${waitMs / 1_000}s`;
	return geminiWire.error(429, {
		message: `You exceeded your current quota, please check your plan and billing details.\n* Quota exceeded for metric: ${metric}, limit: ${limit}, model: ${model}${delay === undefined ? "" : `\nPlease retry in ${delay}.`}`,
		details: [
			{
				"@type": "type.googleapis.com/google.rpc.Help",
				links: [
					{
						description: "Learn more about Gemini API quotas",
						url: "https://ai.google.dev/gemini-api/docs/rate-limits",
					},
				],
			},
			{
				"@type": "type.googleapis.com/google.rpc.QuotaFailure",
				violations: [
					{
						quotaMetric: metric,
						quotaId,
						quotaDimensions: { model, location: "global" },
						quotaValue: String(limit),
					},
				],
			},
			...(delay === undefined
				? []
				: [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: delay }]),
		],
	});
}
