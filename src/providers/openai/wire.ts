import type { FetchResponse } from "../../http/contract.ts";
import type { AdapterCall, AdapterContext, ListedModel } from "../adapter.ts";
import type { ProviderRow } from "../provider-row.ts";
import { OpenAiClient, refused } from "./client.ts";
import { isUnknownFormat } from "./schema.ts";

type Body = Record<string, unknown>;

/** What both of OpenAI's wires do alike: a request goes out, and again without what was refused of it. */
export abstract class OpenAiWire {
	protected readonly context: AdapterContext;
	/** The model refused a field for schemas once: it is not asked again. */
	protected refusesSchemas = false;
	/** Where requests go, behind the base URL. */
	protected abstract readonly path: string;
	readonly #client: OpenAiClient;

	constructor(context: AdapterContext) {
		this.context = context;
		this.#client = new OpenAiClient(context);
	}

	listModels(call: Pick<AdapterCall, "key" | "exchange">): Promise<readonly ListedModel[]> {
		return this.#client.listModels(call);
	}

	/** Sends a request, and once more without what the server refused of it: a refusal costs nothing. */
	protected async send(call: AdapterCall, stream: boolean): Promise<FetchResponse> {
		for (;;) {
			const { provider } = this.context;
			const row = this.refusesSchemas ? { ...provider, schemaForm: "prompt" as const } : provider;
			const body = this.bodyOf(row, call, stream);
			const response = await this.#client.post(this.path, body, call);
			if (response.ok) return response;
			const { status } = response;
			if ((status !== 400 && status !== 422) || !this.learn(call, body)) throw refused(response);
		}
	}

	/** The body of a request, without what was refused before. */
	protected abstract bodyOf(provider: ProviderRow, call: AdapterCall, stream: boolean): Body;

	/** Whether the server refused a part of the request, as its answer says, that can be left out. */
	protected abstract learn(call: AdapterCall, body: Body): boolean;

	/** Whether it refused a schema in the field for one, which goes into the prompt then. `format`: what was in that field. */
	protected learnOfSchemas({ exchange, modelId, onNote }: AdapterCall, format: Body): boolean {
		if (format.type !== "json_schema" || !isUnknownFormat(exchange.errorBody ?? "")) return false;
		this.refusesSchemas = true;
		onNote?.(`the schema goes into the prompt: ${modelId} has no field for one`);
		return true;
	}
}
