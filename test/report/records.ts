/** Lines of results and errors files, for tests of the report. */

export interface FakeRecord {
	readonly id: string;
	readonly model?: string;
	readonly text?: string;
	readonly [field: string]: unknown;
}

const usage = { input_tokens: 20, cached_input_tokens: 0, output_tokens: 10, reasoning_tokens: 0 };

export function resultLine({ id, model = "m", text = "", ...others }: FakeRecord): string {
	const figures = {
		finish_reason: "stop",
		usage,
		cost_usd: 0.001,
		cached: false,
		attempts: 1,
		latency_ms: 500,
	};
	return `${JSON.stringify({ id, model, text, ...figures, hash: "0".repeat(32), ...others })}\n`;
}

export function failureLine({ id, model = "m", ...others }: FakeRecord): string {
	const error = { class: "rate_limit", status: 429, message: "slow down" };
	const figures = { maybe_billed: false, attempts: 3, usage: null, cost_usd: 0, partial_text: null };
	return `${JSON.stringify({ id, model, error, ...figures, hash: "0".repeat(32), ...others })}\n`;
}

/** What could break out of the page, hide in it, or be too much for it. */
export const hostileTexts: readonly string[] = [
	"</script><script>document.title = 'pwned'</script>",
	"<!--<script>",
	"]]>-->",
	"\u202eright to left\u202c \u2066x",
	"<img src=x onerror=\"document.title = 'pwned'\">",
	"\u0000\u0007\u001b[2J\u2028\u2029\ud800",
	"javascript:alert(1)",
	"<ScRiPt src=//evil.example>",
	"x".repeat(1 << 20),
];
