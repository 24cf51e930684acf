import type { ErrorDetail } from "./error-body.ts";
import type { ProviderRow } from "./provider-row.ts";

/**
 * What a refusal is about, when it is not the rate: `account`, a quota or credit that waiting a minute does not bring
 * back; `row`, this request can never be answered; `context`, the same because it is too long; `server`, it has too much
 * to do, or what it passes requests on to.
 */
export type RefusalCause = "account" | "row" | "context" | "server";

const billingCodes = new Set([
	"insufficient_quota",
	"insufficient_credits",
	"insufficient_balance",
	"billing_error",
	"billing_not_active",
	"billing_hard_limit_reached",
	"quota_exceeded",
	"credit_limit_exceeded",
	"access_terminated",
	// Moonshot, Cerebras, LiteLLM; Z.ai's arrears, plan quota spent, plan expired.
	"exceeded_current_quota_error",
	"token_quota_exceeded",
	"budget_exceeded",
	"1113",
	"1308",
	"1309",
]);

/**
 * Anthropic ("You have reached your specified API usage limits"), OpenRouter ("Key limit exceeded"), xAI ("used all
 * available credits or reached its monthly spending limit"), Mistral ("Monthly token limit exceeded"), LiteLLM ("Budget
 * has been exceeded").
 */
const accountWords =
	/credit balance is too low|insufficient (?:credits|balance|funds)|free-models-per-day|reached your specified (?:api )?usage limits?|key limit exceeded|used all (?:available|of (?:its|your)) credits|monthly (?:spending|token|usage) limit|monthly (?:quota|budget)|budget has been exceeded|exceeded your (?:monthly|weekly) (?:quota|limit|budget)/i;

/** Anthropic: a request above 200,000 tokens, on an account without it. */
const contextWords = /extra usage is required for long context/i;
/** OpenAI and Azure: "Request too large for gpt-4o … on tokens per min (TPM): Limit 30000, Requested 342389." */
const sizeWords = /limit:?\s{1,3}([\d,]{1,15})\b[^\n]{0,80}\brequested:?\s{1,3}([\d,]{1,15})/i;

const serverCodes = new Set([
	"engine_overloaded",
	"engine_overloaded_error",
	"overloaded",
	"overloaded_error",
	"model_overloaded",
	"server_overloaded",
	"server_error",
	"service_unavailable",
	// Cerebras, Mistral.
	"queue_exceeded",
	"3505",
	"service_tier_capacity_exceeded",
	"capacity_exceeded",
	"no_capacity",
	// OpenAI's flex tier.
	"resource_unavailable",
]);

const serverWords =
	/temporarily rate-limited upstream|(?:model|engine|server) is (?:currently |temporarily )?(?:busy|overloaded)|model busy|service tier capacity exceeded|resource unavailable|(?:insufficient|no|at) capacity/i;

/** Why a request was refused, if not for its rate; undefined for what is none of these. */
export function refusalCause(
	provider: Pick<ProviderRow, "wire" | "minuteLimitCodes">,
	detail: ErrorDetail,
	status: number,
): RefusalCause | undefined {
	if (status !== 429 && status !== 400 && status !== 403) return undefined;
	const message = detail.message.slice(0, 2_048);
	const codes = detail.status === undefined ? detail.codes : [...detail.codes, String(detail.status)];
	const has = (set: ReadonlySet<string>) =>
		codes.some((code) => set.has(code) && !provider.minuteLimitCodes.includes(code));
	if (accountWords.test(message)) return "account";
	const isSpent = has(billingCodes) || codes.some((code) => code.endsWith("_spend_limit_exceeded"));
	if (isSpent && (status === 429 || has(new Set(["budget_exceeded", "quota_exceeded"])))) return "account";
	if (status !== 429) return undefined;
	if (provider.wire === "gemini" && isGeminiDayQuota(detail)) return "account";
	if (contextWords.test(message)) return "context";
	if (isLargerThanLimit(message)) return "row";
	return has(serverCodes) || serverWords.test(message) ? "server" : undefined;
}

/** The request alone needs more than the limit ever gives. */
function isLargerThanLimit(message: string): boolean {
	const sizes = sizeWords.exec(message);
	if (sizes === null) return false;
	const [limit = 0, requested = 0] = sizes.slice(1).map((size) => Number(size.replaceAll(",", "")));
	return limit > 0 && requested > limit;
}

/** Gemini names the quota: one counted per day, or one of zero, does not come back within the run. */
function isGeminiDayQuota({ body, message }: ErrorDetail): boolean {
	// The violations are read as text: their place in the body differs between the API's and the SDK's forms.
	const text = `${message.slice(0, 2048)} ${JSON.stringify(body ?? "").slice(0, 8192)}`;
	return /PerDay/.test(text) || /limit: 0(?![\d.])/.test(text) || /"quotaValue":"0"/.test(text);
}
