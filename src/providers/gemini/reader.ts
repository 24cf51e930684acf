import type { FinishReason, Usage } from "../../types.ts";
import type { AnswerPart } from "../adapter.ts";
import { AnswerReader } from "../answer-reader.ts";
import { geminiCharges, geminiTier, modality } from "../charges.ts";
import { openAiResponse } from "../details.ts";
import { isObject } from "../error-body.ts";
import { aborted, blocked, emptyEnd, incomplete } from "../failure.ts";
import { tokens } from "../usage.ts";

type Json = Record<string, unknown>;

/** https://ai.google.dev/api/generate-content#FinishReason */
const blockingReasons = new Set([
	"SAFETY",
	"RECITATION",
	"BLOCKLIST",
	"PROHIBITED_CONTENT",
	"SPII",
	"IMAGE_SAFETY",
	"IMAGE_PROHIBITED_CONTENT",
	"IMAGE_RECITATION",
	"LANGUAGE",
]);

/** The model broke off in an attempt at something that is not an answer: a call that cannot be read, or was not allowed. */
const brokenReasons = new Set([
	"MALFORMED_FUNCTION_CALL",
	"MALFORMED_RESPONSE",
	"UNEXPECTED_TOOL_CALL",
	"TOO_MANY_TOOL_CALLS",
	"MISSING_THOUGHT_SIGNATURE",
	"NO_IMAGE",
	"IMAGE_OTHER",
]);

/** Reads the pieces of one answer; a whole answer is a single piece. */
export class GeminiReader extends AnswerReader {
	#finishReason: string | undefined;
	#finishMessage = "";
	#blockedWhy: string | undefined;
	#calls = 0;
	#hasCandidate = false;

	protected understands(payload: Json): boolean {
		return "candidates" in payload || "promptFeedback" in payload || "usageMetadata" in payload;
	}

	protected noteUsage(payload: Json): void {
		this.usage = geminiUsage(payload.usageMetadata) ?? this.usage;
		this.charges = { ...this.charges, ...geminiCharges(payload, this.modelId, this.headers) };
	}

	protected read(payload: Json): readonly AnswerPart[] {
		this.noteUsage(payload);
		const { responseId: id, modelVersion: model } = payload;
		const said = openAiResponse({ id, model, service_tier: geminiTier(payload, this.headers) });
		if (said !== undefined) this.response = { ...said, ...this.response };
		this.#readFeedback(payload.promptFeedback);
		const candidate = Array.isArray(payload.candidates) ? payload.candidates[0] : undefined;
		return isObject(candidate) ? this.#readCandidate(candidate) : [];
	}

	protected complete(): readonly AnswerPart[] {
		const context = this.failureContext;
		if (this.#blockedWhy !== undefined) throw blocked(context, this.#blockedWhy);
		if (!this.#hasCandidate) throw blocked(context, "no candidate was returned");
		if (this.#finishReason === undefined)
			throw incomplete(context, "the stream ended without a finish reason");
		const finishReason = this.#finish(this.#finishReason);
		const isEmpty = this.received.text === "" && this.details.details === undefined;
		if (brokenReasons.has(this.#finishReason) || (finishReason === "other" && isEmpty))
			throw emptyEnd(context, this.#finishReason, this.#finishMessage);
		if (this.#finishReason === "OTHER") throw aborted(context, this.#finishReason);
		return [this.finishPart(finishReason)];
	}

	#readFeedback(feedback: unknown): void {
		if (!isObject(feedback) || typeof feedback.blockReason !== "string") return;
		const message = typeof feedback.blockReasonMessage === "string" ? `: ${feedback.blockReasonMessage}` : "";
		this.#blockedWhy = `the prompt (${feedback.blockReason}${ratings(feedback)})${message}`;
		this.finished = true;
	}

	#readCandidate(candidate: Json): readonly AnswerPart[] {
		this.#hasCandidate = true;
		const parts: AnswerPart[] = [];
		const content = isObject(candidate.content) ? candidate.content : {};
		for (const part of Array.isArray(content.parts) ? content.parts : []) {
			if (!isObject(part)) continue;
			if (isObject(part.functionCall)) this.#addCall(part.functionCall, part.thoughtSignature);
			else if (isOther(part)) this.details.addPart(part);
			if (typeof part.text !== "string" || part.text === "") continue;
			if (part.thought === true) parts.push({ type: "reasoning-delta", text: part.text });
			else parts.push({ type: "text-delta", text: part.text });
		}
		const { groundingMetadata, citationMetadata, logprobsResult } = candidate;
		const notes = [groundingMetadata, citationMetadata].filter(isObject);
		if (notes.length > 0) this.details.addAnnotations(notes);
		this.details.addLogprobs(logprobsResult);
		const reason = candidate.finishReason;
		if (typeof reason === "string" && reason !== "" && reason !== "FINISH_REASON_UNSPECIFIED") {
			this.#finishReason = reason;
			this.finished = true;
			if (typeof candidate.finishMessage === "string") this.#finishMessage = candidate.finishMessage;
			if (blockingReasons.has(reason)) {
				const message = this.#finishMessage === "" ? "" : `: ${this.#finishMessage}`;
				this.#blockedWhy = `${reason}${ratings(candidate)}${message}`;
			}
		}
		return parts;
	}

	#addCall({ id, name, args }: Json, thought_signature: unknown): void {
		const place = this.#calls++;
		this.details.addCall(place, {
			id: typeof id === "string" && id !== "" ? id : `call_${place}`,
			name: String(name ?? ""),
			arguments: JSON.stringify(args ?? {}),
			// As Google's own endpoint on the OpenAI wire writes it.
			...(typeof thought_signature === "string" && { extra: { google: { thought_signature } } }),
		});
	}

	#finish(reason: string): FinishReason {
		if (reason === "STOP") return this.details.hasToolCalls ? "tool-calls" : "stop";
		return reason === "MAX_TOKENS" ? "length" : "other";
	}
}

/** A part that is neither text nor the bare signature of a thought: code that ran, an image, a file. */
function isOther(part: Json): boolean {
	return Object.keys(part).some(
		(name) => name !== "text" && name !== "thought" && name !== "thoughtSignature",
	);
}

/** The categories that made the filter step in, or those rated highest. */
function ratings(source: Json): string {
	const list = Array.isArray(source.safetyRatings) ? source.safetyRatings.filter(isObject) : [];
	const hit = list.filter(({ blocked, probability }) => blocked === true || probability === "HIGH");
	const names = hit.map(({ category }) => String(category).replace("HARM_CATEGORY_", "").toLowerCase());
	return names.length === 0 ? "" : `, ${names.join(", ")}`;
}

/**
 * Reads `usageMetadata`, or null when it is missing or makes no sense. Thoughts are counted apart from the
 * candidates and billed as output; the results of tools are input.
 */
function geminiUsage(raw: unknown): Usage | null {
	if (!isObject(raw)) return null;
	const prompt = tokens(raw.promptTokenCount);
	if (prompt === undefined) return null;
	const inputTokens = prompt + (tokens(raw.toolUsePromptTokenCount) ?? 0);
	const thoughts = tokens(raw.thoughtsTokenCount);
	const told = (tokens(raw.candidatesTokenCount) ?? 0) + (thoughts ?? 0);
	// What only the total tells was put out too, and is billed.
	const untold = Math.max(0, (tokens(raw.totalTokenCount) ?? 0) - inputTokens - told);
	const cached = tokens(raw.cachedContentTokenCount) ?? 0;
	const audio =
		modality(raw.promptTokensDetails, "AUDIO") + modality(raw.toolUsePromptTokensDetails, "AUDIO");
	// More was cached than there is, or sound that nobody counted: then no figure can be believed.
	if (cached > inputTokens || Number.isNaN(audio)) return null;
	return {
		inputTokens,
		cachedInputTokens: cached,
		cacheWriteTokens: 0,
		audioInputTokens: Math.min(audio, inputTokens),
		outputTokens: told + untold,
		reasoningTokens: thoughts ?? untold,
	};
}
