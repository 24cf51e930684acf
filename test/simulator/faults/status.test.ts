import { expect, it } from "vitest";
import { statusFaults } from "../../../src/simulator/faults/status.ts";
import { checkEach, errorOf, fault } from "./check.ts";

const plain = /^[45]\d\d$/;

const checks = {
	"context-length": async () => {
		const openai = errorOf(await fault("context-length"));
		expect([openai.code, openai.message]).toEqual([
			"context_length_exceeded",
			expect.stringMatching(/8192 .* 8193/),
		]);
		expect(errorOf(await fault("context-length", { wire: "anthropic" })).message).toMatch(
			/8193 tokens > 8192/,
		);
		expect(errorOf(await fault("context-length", { wire: "gemini" })).message).toMatch(/8193.*8192/);
	},
	"context-length-local": async () => {
		expect(errorOf(await fault("context-length-local"))).toMatchObject({
			code: 400,
			n_ctx: 8_192,
			n_prompt_tokens: 8_193,
		});
	},
	"401": async () => {
		expect(await fault("401")).toMatchObject({ status: 401 });
		const anthropic = await fault("401", { wire: "anthropic" });
		expect(anthropic.headers["x-should-retry"]).toBe("false");
		const gemini = await fault("401", { wire: "gemini" });
		expect([gemini.status, errorOf(gemini).details[0].reason]).toEqual([400, "API_KEY_INVALID"]);
	},
	"401-detail": async () => {
		expect((await fault("401-detail")).text).toBe('{"detail":"Unauthorized"}');
	},
	"key-echo": async () => {
		const raw = await fault("key-echo=403", { key: "sk-planted" });
		expect([raw.status, raw.headers["x-echo"]]).toEqual([403, "sk-planted"]);
		expect(errorOf(raw).message).toContain("sk-planted");
	},
	"403-moderation": async () => {
		expect(errorOf(await fault("403-moderation")).metadata.reasons).toEqual(["violence"]);
	},
	"insufficient-quota": async () => {
		expect(errorOf(await fault("insufficient-quota")).code).toBe("insufficient_quota");
		expect((await fault("insufficient-quota", { wire: "gemini" })).text).toContain("PerDay");
	},
	"spend-limit": async () => {
		expect(errorOf(await fault("spend-limit")).code).toBe("organization_spend_limit_exceeded");
	},
	"credit-balance": async () => {
		expect(errorOf(await fault("credit-balance", { wire: "anthropic" })).message).toContain(
			"credit balance is too low",
		);
	},
	"per-day": async () => {
		const { details } = errorOf(await fault("per-day", { wire: "gemini" }));
		expect(details[1].violations[0].quotaId).toContain("PerDay");
		expect(details[2].retryDelay).toBe("27.39s");
	},
	"limit-zero": async () => {
		expect(errorOf(await fault("limit-zero", { wire: "gemini" })).message).toContain("limit: 0");
	},
	"should-retry-false": async () => {
		expect(await fault("should-retry-false")).toMatchObject({
			status: 503,
			headers: { "x-should-retry": "false" },
		});
	},
	"html-502": async () => {
		const raw = await fault("html-502");
		expect([raw.status, raw.headers["content-type"]]).toEqual([502, "text/html"]);
		expect(raw.text).toContain("\u001b]52;");
	},
	"text-503": async () => {
		expect(await fault("text-503")).toMatchObject({ status: 503, text: "Service Temporarily Unavailable" });
	},
	"hostile-error": async () => {
		expect(errorOf(await fault("hostile-error")).message).toContain("\u001b[2J");
	},
	"429": async () => {
		const raw = await fault("429");
		expect([raw.status, Object.keys(raw.headers).filter((name) => name.startsWith("retry"))]).toEqual([
			429,
			[],
		]);
	},
	"429-retry-after": async () => {
		expect((await fault("429-retry-after")).headers["retry-after"]).toBe("1");
		expect((await fault("429-retry-after=-5")).headers["retry-after"]).toBe("-5");
		const date = "Wed, 21 Oct 2015 07:28:00 GMT";
		expect((await fault(`429-retry-after=${date}`)).headers["retry-after"]).toBe(date);
	},
	"429-retry-after-ms": async () => {
		expect((await fault("429-retry-after-ms=Infinity")).headers["retry-after-ms"]).toBe("Infinity");
	},
	"429-date": async () => {
		const at = Date.parse((await fault("429-date=3600")).headers["retry-after"] ?? "");
		expect(at).toBeGreaterThan(Date.now() + 3_000_000);
	},
	"429-retry-info": async () => {
		expect(errorOf(await fault("429-retry-info=900ms", { wire: "gemini" })).details[0].retryDelay).toBe(
			"900ms",
		);
	},
	"429-message": async () => {
		expect(errorOf(await fault("429-message=27.39s")).message).toMatch(/Please retry in 27\.39s\.$/);
	},
	"queue-full": async () => {
		expect(errorOf(await fault("queue-full")).code).toBe("queue_full");
	},
};

checkEach(
	statusFaults.filter(({ name }) => !plain.test(name) || name in checks),
	checks,
);

it.each(
	statusFaults.map(({ name }) => name).filter((name) => plain.test(name)),
)("%s on every wire", async (name) => {
	for (const wire of ["openai", "gemini", "anthropic"] as const) {
		const raw = await fault(name, { wire });
		expect(raw.status).toBe(name === "401" && wire === "gemini" ? 400 : Number(name));
		expect(errorOf(raw).message).toBeTruthy();
	}
});
