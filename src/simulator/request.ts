import type { IncomingMessage } from "node:http";

export type WireName = "openai" | "responses" | "gemini" | "anthropic";

/** One turn as the server understood it, whichever wire it came over. */
export interface SimulatedTurn {
	readonly role: string;
	readonly text: string;
	/** Images, documents and sounds beside the text. */
	readonly attachments: number;
}

/** A generation request, read from any wire. */
export interface SimulatedRequest {
	readonly wire: WireName;
	readonly path: string;
	readonly model: string;
	/** The caller's API key, "" when none was sent. */
	readonly key: string;
	readonly turns: readonly SimulatedTurn[];
	/** Text of the last user turn: what `echo` answers and where directives are read. */
	readonly prompt: string;
	readonly stream: boolean;
	/** Gemini streams are a JSON array unless `alt=sse` asks for events. */
	readonly streamFormat: "sse" | "array";
	readonly includeUsage: boolean;
	readonly n: number;
	readonly maxTokens: number | undefined;
	readonly stop: readonly string[];
	/** The caller allows thinking to be shown and paid (Anthropic `thinking`, Gemini `includeThoughts`). */
	readonly wantsReasoning: boolean;
	readonly format: "text" | "json" | { readonly schema: unknown };
	readonly headers: IncomingMessage["headers"];
	readonly body: Readonly<Record<string, unknown>>;
}

/** What the request line says: which wire and which of its endpoints. */
export type SimulatedRoute =
	| {
			readonly kind: "generate";
			readonly wire: WireName;
			readonly model?: string;
			readonly stream?: boolean;
			readonly sse?: boolean;
	  }
	| { readonly kind: "models"; readonly wire: WireName };

type Body = Readonly<Record<string, unknown>>;

/** Finds the endpoint of a path; undefined when it is none of ours. Any prefix before the wire's own path is allowed. */
export function routeOf(
	method: string,
	url: string,
	headers: IncomingMessage["headers"],
): SimulatedRoute | undefined {
	const question = url.indexOf("?");
	const path = question < 0 ? url : url.slice(0, question);
	if (path.endsWith("/chat/completions"))
		return method === "POST" ? { kind: "generate", wire: "openai" } : undefined;
	if (path.endsWith("/responses"))
		return method === "POST" ? { kind: "generate", wire: "responses" } : undefined;
	if (path.endsWith("/v1/messages"))
		return method === "POST" ? { kind: "generate", wire: "anthropic" } : undefined;
	const gemini = /\/models\/([^/:]+(?:\/[^/:]+)*|[^/]+):(generateContent|streamGenerateContent)$/.exec(path);
	if (gemini !== null) {
		const stream = gemini[2] === "streamGenerateContent";
		const model = decodeURIComponent(gemini[1] as string);
		const sse = new URLSearchParams(question < 0 ? "" : url.slice(question)).get("alt") === "sse";
		return method === "POST" ? { kind: "generate", wire: "gemini", model, stream, sse } : undefined;
	}
	if (path.endsWith("/models") && method === "GET") {
		const native = /\/v1(beta|alpha)\/models$/.test(path);
		return {
			kind: "models",
			wire: native ? "gemini" : "anthropic-version" in headers ? "anthropic" : "openai",
		};
	}
	return undefined;
}

/** The key in whatever header or query parameter its wire uses. */
export function keyOf(headers: IncomingMessage["headers"], url: string): string {
	const named = headers["x-api-key"] ?? headers["x-goog-api-key"] ?? headers["api-key"];
	if (typeof named === "string") return named;
	const bearer = headers.authorization;
	if (bearer !== undefined) return bearer.startsWith("Bearer ") ? bearer.slice(7) : bearer;
	const question = url.indexOf("?");
	return question < 0 ? "" : (new URLSearchParams(url.slice(question)).get("key") ?? "");
}

/** Reads a generation request; throws an Error whose message says what is wrong with it. */
export function readRequest(
	route: Extract<SimulatedRoute, { kind: "generate" }>,
	url: string,
	headers: IncomingMessage["headers"],
	body: Body,
): SimulatedRequest {
	const base = { wire: route.wire, path: url, key: keyOf(headers, url), headers, body };
	switch (route.wire) {
		case "openai":
			return { ...base, ...readOpenAi(body) };
		case "responses":
			return { ...base, ...readResponses(body) };
		case "anthropic":
			return { ...base, ...readAnthropic(body) };
		case "gemini":
			return {
				...base,
				...readGemini(body),
				model: route.model ?? "",
				stream: route.stream ?? false,
				streamFormat: route.sse ? "sse" : "array",
			};
	}
}

type Read<Omitted extends string = never> = Omit<
	SimulatedRequest,
	"wire" | "path" | "key" | "headers" | "body" | Omitted
>;

function readOpenAi(body: Body): Read {
	const turns = turnsOf(body.messages, "messages");
	const format = body.response_format as Body | undefined;
	return {
		model: modelOf(body),
		turns,
		prompt: promptOf(turns),
		stream: body.stream === true,
		streamFormat: "sse",
		includeUsage: (body.stream_options as Body | undefined)?.include_usage === true,
		n: typeof body.n === "number" ? body.n : 1,
		maxTokens: numberOr(body.max_completion_tokens) ?? numberOr(body.max_tokens),
		stop: listOf(body.stop),
		wantsReasoning: true,
		format:
			format?.type === "json_schema"
				? { schema: (format.json_schema as Body | undefined)?.schema }
				: format?.type === "json_object"
					? "json"
					: "text",
	};
}

function readResponses(body: Body): Read {
	const turns =
		typeof body.input === "string"
			? [{ role: "user", text: body.input, attachments: 0 }]
			: turnsOf(body.input, "input");
	const format = (body.text as Body | undefined)?.format as Body | undefined;
	const reasoning = body.reasoning as Body | undefined;
	return {
		model: modelOf(body),
		turns: body.instructions == null ? turns : [{ role: "system", ...textOf(body.instructions) }, ...turns],
		prompt: promptOf(turns),
		stream: body.stream === true,
		streamFormat: "sse",
		includeUsage: true,
		n: 1,
		maxTokens: numberOr(body.max_output_tokens),
		stop: [],
		wantsReasoning: reasoning?.summary != null,
		format:
			format?.type === "json_schema"
				? { schema: format.schema }
				: format?.type === "json_object"
					? "json"
					: "text",
	};
}

function readAnthropic(body: Body): Read {
	const turns = turnsOf(body.messages, "messages");
	if (typeof body.max_tokens !== "number") throw new Error("max_tokens: Field required");
	if (turns.some((turn) => turn.role === "system"))
		throw new Error(
			'messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter',
		);
	const format = (body.output_config as Body | undefined)?.format as Body | undefined;
	const thinking = (body.thinking as Body | undefined)?.type;
	return {
		model: modelOf(body),
		turns: body.system === undefined ? turns : [{ role: "system", ...textOf(body.system) }, ...turns],
		prompt: promptOf(turns),
		stream: body.stream === true,
		streamFormat: "sse",
		includeUsage: true,
		n: 1,
		maxTokens: body.max_tokens,
		stop: listOf(body.stop_sequences),
		wantsReasoning: thinking === "enabled" || thinking === "adaptive",
		format: format?.type === "json_schema" ? { schema: format.schema } : "text",
	};
}

function readGemini(body: Body): Read<"model" | "stream" | "streamFormat"> {
	if (!Array.isArray(body.contents) || body.contents.length === 0)
		throw new Error("* GenerateContentRequest.contents: contents is not specified");
	const turns = (body.contents as Body[]).map((content) => ({
		role: content.role === "model" ? "assistant" : "user",
		...textOf(content.parts),
	}));
	const system = body.systemInstruction as Body | undefined;
	const config = (body.generationConfig ?? {}) as Body;
	const schema = config.responseJsonSchema ?? config.responseSchema;
	const thinking = config.thinkingConfig as Body | undefined;
	return {
		turns: system === undefined ? turns : [{ role: "system", ...textOf(system.parts) }, ...turns],
		prompt: promptOf(turns),
		includeUsage: true,
		n: typeof config.candidateCount === "number" ? config.candidateCount : 1,
		maxTokens: numberOr(config.maxOutputTokens),
		stop: listOf(config.stopSequences),
		wantsReasoning: thinking?.includeThoughts === true && thinking.thinkingBudget !== 0,
		format:
			schema !== undefined ? { schema } : config.responseMimeType === "application/json" ? "json" : "text",
	};
}

function modelOf(body: Body): string {
	if (typeof body.model !== "string" || body.model === "")
		throw new Error("you must provide a model parameter");
	return body.model;
}

function turnsOf(messages: unknown, name: string): SimulatedTurn[] {
	if (!Array.isArray(messages) || messages.length === 0)
		throw new Error(`${name}: at least one message is required`);
	return messages.map((message: Body) => ({
		role: String(message.role ?? message.type),
		...textOf(message.content ?? message.output),
	}));
}

function textOf(content: unknown): { text: string; attachments: number } {
	if (typeof content === "string") return { text: content, attachments: 0 };
	let text = "";
	let attachments = 0;
	for (const part of Array.isArray(content) ? (content as Body[]) : []) {
		if (typeof part.text === "string") text += part.text;
		else attachments++;
	}
	return { text, attachments };
}

function promptOf(turns: readonly SimulatedTurn[]): string {
	return turns.findLast((turn) => turn.role === "user")?.text ?? "";
}

function numberOr(value: unknown): number | undefined {
	return typeof value === "number" ? value : undefined;
}

function listOf(stop: unknown): readonly string[] {
	return typeof stop === "string" ? [stop] : Array.isArray(stop) ? (stop as string[]) : [];
}
