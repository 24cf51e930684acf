import type { Adapter, AdapterCall, AdapterRequest, Answer, AnswerPart } from "../adapter.ts";
import { answerOf, checkAnswer, readAnswerBody, streamAnswer } from "../answer-stream.ts";
import { isObject } from "../error-body.ts";
import { OpenAiWire } from "../openai/wire.ts";
import type { ProviderRow } from "../provider-row.ts";
import { ResponsesReader } from "./reader.ts";
import { responsesBody } from "./request.ts";

/** The adapter of OpenAI's Responses API and those that copy it. */
export class Responses extends OpenAiWire implements Adapter {
	readonly choicesPerCall = 1;
	protected readonly path = "/responses";
	/** The server refused a summary of the thoughts once: it is not asked again. */
	#refusesSummary = false;

	async complete(call: AdapterCall): Promise<Answer> {
		const reader = new ResponsesReader(this.context.provider, call);
		const payload = await readAnswerBody(() => this.send(call, false), reader.failureContext);
		reader.takeWhole(payload);
		return answerOf(reader.end());
	}

	/** Without a summary: a job cannot be sent again where the account may not have one. */
	async requestBody(request: AdapterRequest): Promise<Readonly<Record<string, unknown>>> {
		return responsesBody(this.context.provider, request, { stream: false, summary: false });
	}

	readAnswer(payload: unknown, call: AdapterCall): Answer {
		const reader = new ResponsesReader(this.context.provider, call);
		reader.takeWhole(checkAnswer(payload, reader.failureContext));
		return answerOf(reader.end());
	}

	stream(call: AdapterCall): AsyncIterable<AnswerPart> {
		const reader = new ResponsesReader(this.context.provider, call);
		return streamAnswer(() => this.send(call, true), reader, call.exchange);
	}

	protected bodyOf(provider: ProviderRow, call: AdapterCall, stream: boolean): Record<string, unknown> {
		const body = responsesBody(provider, call, { stream, summary: !this.#refusesSummary });
		if (this.refusesSchemas && isObject(body.text)) body.text = { ...body.text, format: { type: "text" } };
		return body;
	}

	protected learn(call: AdapterCall, body: Record<string, unknown>): boolean {
		// An account that is not verified gets none: https://github.com/BerriAI/litellm/issues/16032
		const asksForSummary = isObject(body.reasoning) && body.reasoning.summary !== undefined;
		const given = call.parameters.extra?.reasoning;
		const isOurs = !(isObject(given) && "summary" in given);
		const { errorBody = "" } = call.exchange;
		if (asksForSummary && isOurs && /reasoning\.summary|reasoning summar/i.test(errorBody)) {
			this.#refusesSummary = true;
			return true;
		}
		return this.learnOfSchemas(
			call,
			isObject(body.text) && isObject(body.text.format) ? body.text.format : {},
		);
	}
}
