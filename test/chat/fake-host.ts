import type { ModelFacts } from "../../src/chat/context.ts";
import type { ChatHost } from "../../src/chat/host.ts";
import type { Picker } from "../../src/chat/picker.ts";
import type { AnswerEnd, ChatView, ComparedAnswer, FailureNotice, ShownTurn } from "../../src/chat/view.ts";
import { AbortedError } from "../../src/errors.ts";
import type { LLM } from "../../src/llm.ts";
import type { CallOptions } from "../../src/options.ts";
import { resolvePaths } from "../../src/state/paths.ts";
import type { Message, StreamPart } from "../../src/types.ts";
import { noUsage } from "../../src/types.ts";

/** What a model of `FakeHost` does with a history. */
export type Script = (messages: readonly Message[], options: CallOptions) => AsyncGenerator<StreamPart, void>;

/** The parts of a complete answer. */
export function* answerOf(text: string, inputTokens = 10): Generator<StreamPart, void> {
	for (const piece of text.match(/\S+\s*/g) ?? []) yield { type: "text-delta", text: piece };
	yield {
		...{ type: "finish", finishReason: "stop", costUsd: 0.01, cached: false, attempts: 1, latencyMs: 100 },
		usage: { ...noUsage, inputTokens, outputTokens: 5 },
	};
}

/** Answers with text and then hangs until it is stopped. */
export async function* hangAfter(text: string, options: CallOptions): AsyncGenerator<StreamPart, void> {
	if (text !== "") yield { type: "text-delta", text };
	await new Promise((_, reject) => {
		if (options.signal?.aborted) reject(new AbortedError());
		options.signal?.addEventListener("abort", () => reject(new AbortedError()), { once: true });
	});
}

const unknownPrices = { contextWindow: null, inputPrice: null, outputPrice: null };

/** A model of so many tokens, at prices in USD per million. */
export function factsAt(contextWindow: number, inputPrice: number, outputPrice: number): ModelFacts {
	return {
		...{ contextWindow, inputPrice, outputPrice },
		attachedMost: () => 0,
		usdOf: ({ input, output }) => (input * inputPrice + output * outputPrice) / 1e6,
	};
}

export function fakeHost(
	home: string,
	scripts: Readonly<Record<string, Script>>,
	change: Partial<ChatHost> = {},
	isFree = false,
): ChatHost {
	return {
		paths: resolvePaths({ LLMX_HOME: home }),
		folder: home,
		resolveModel: async (name) => (name === "alias" ? "model" : name),
		createLLM(model) {
			const script = scripts[model];
			if (script === undefined) throw new Error(`nobody serves ${model}`);
			let calls = 0;
			const fake = {
				model,
				pricing: { isFree },
				get cost() {
					return { usd: 0.01 * calls, unknownCalls: 0 };
				},
				get usage() {
					return { ...noUsage, inputTokens: 10 * calls };
				},
				stream(messages: readonly Message[], options: CallOptions) {
					calls += 1;
					return script(messages, options);
				},
				close: async () => {},
			};
			return fake as unknown as LLM;
		},
		factsOf: () => ({ ...unknownPrices, attachedMost: () => 0, usdOf: () => null }),
		models: () =>
			["gpt-4.1", "gpt-4.1-mini", "anthropic/claude-haiku-4-5"].map((name) => ({
				...{ name, isUsable: name.startsWith("gpt"), retired: null, ...unknownPrices },
			})),
		presetNames: () => [],
		fillPreset: () => {
			throw new Error("there are no presets");
		},
		clipboardImage: async () => undefined,
		runCommand: async (command) => ({ output: `output of ${command}\n`, exitCode: 0 }),
		checkBudget: async () => null,
		copy: async () => "copied",
		now: () => 1_000_000,
		...change,
	};
}

/** Writes down what it is told. */
export class RecordingView implements ChatView {
	readonly takesKeys = true;
	readonly log: string[] = [];
	suggested: string | undefined;
	picker: Picker | undefined;
	left = false;
	onText: () => void = () => {};

	asked(text: string, attachments: readonly string[]): void {
		this.log.push(`asked ${[text, ...attachments].join(" + ")}`);
	}
	answering(model: string, aside: boolean): void {
		this.log.push(`answering ${model}${aside ? " aside" : ""}`);
	}
	reasoning(delta: string): void {
		this.log.push(`reasoning ${delta}`);
	}
	text(delta: string): void {
		this.log.push(`text ${delta.trim()}`);
		this.onText();
	}
	answered({ interrupted, hasText, failure }: AnswerEnd): void {
		this.log.push(
			`answered${interrupted ? " interrupted" : ""}${hasText ? "" : " empty"}${failure ? `: ${failure.message}` : ""}`,
		);
	}
	waiting(reason: string, delayMs: number): void {
		this.log.push(`waiting ${delayMs} ${reason}`);
	}
	compared(answers: readonly ComparedAnswer[]): void {
		this.log.push(`compared ${answers.map(({ model, text }) => `${model}=${text}`).join(" ")}`);
	}
	notice(text: string): void {
		this.log.push(`notice ${text}`);
	}
	failed({ message }: FailureNotice): void {
		this.log.push(`failed ${message}`);
	}
	pick(picker: Picker): void {
		this.picker = picker;
		this.log.push(`pick ${picker.title}`);
	}
	suggest(text: string): void {
		this.suggested = text;
	}
	clear(): void {
		this.log.push("clear");
	}
	resumed(turns: readonly ShownTurn[]): void {
		this.log.push(`resumed ${turns.length}`);
	}
	changed(): void {}
	leave(): void {
		this.left = true;
	}
}
