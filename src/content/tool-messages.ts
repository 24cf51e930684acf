import { UsageError } from "../errors.ts";
import type { ContentPart, Message, ToolCall } from "../types.ts";
import { isObject, kindOf, textAt, toPart } from "./message-parts.ts";

type Json = Record<string, unknown>;

/** The calls in a message of the assistant: OpenAI's `tool_calls`, its older `function_call`, or our own `toolCalls`. */
export function toolCallsOf(message: Json, where: string): ToolCall[] {
	const { tool_calls: calls = message.toolCalls, function_call: single } = message;
	if (isObject(single))
		return [toCall({ id: callIdOf(single.name), function: single }, `${where}.function_call`)];
	if (calls === undefined || calls === null) return [];
	if (!Array.isArray(calls)) throw new UsageError(`${where}.tool_calls must be a list, not ${kindOf(calls)}`);
	return calls.map((call, index) => toCall(call, `${where}.tool_calls[${index}]`));
}

function toCall(call: unknown, where: string): ToolCall {
	if (!isObject(call)) throw new UsageError(`${where} must be an object, not ${kindOf(call)}`);
	if (call.type !== undefined && call.type !== "function")
		throw new UsageError(`${where}.type must be function, not ${kindOf(call.type)}`);
	const called = call.function;
	if (!isObject(called)) throw new UsageError(`${where}.function must be an object, not ${kindOf(called)}`);
	const { arguments: given = "{}" } = called;
	return {
		id: textAt(call.id, `${where}.id`),
		type: "function",
		function: {
			name: textAt(called.name, `${where}.function.name`),
			arguments: isObject(given) ? JSON.stringify(given) : textAt(given, `${where}.function.arguments`),
		},
		...(call.extra_content !== undefined && { extra_content: call.extra_content }),
	};
}

/** Anthropic's block of a call. */
export function toCallBlock(block: Json, where: string): ToolCall {
	const { input = {} } = block;
	if (!isObject(input)) throw new UsageError(`${where}.input must be an object, not ${kindOf(input)}`);
	const called = { name: textAt(block.name, `${where}.name`), arguments: JSON.stringify(input) };
	return { id: textAt(block.id, `${where}.id`), type: "function", function: called };
}

/** OpenAI's message with the result of a call; its older form names the function only. */
export function toToolResult(message: Json, where: string): Message {
	const { tool_call_id: id = message.toolCallId } = message;
	const toolCallId =
		id === undefined && message.role === "function"
			? callIdOf(textAt(message.name, `${where}.name`))
			: textAt(id, `${where}.tool_call_id`);
	return { role: "tool", content: resultContent(message.content, `${where}.content`), toolCallId };
}

/** Anthropic's block with the result of a call. */
export function toResultBlock(block: Json, where: string): Message {
	const toolCallId = textAt(block.tool_use_id, `${where}.tool_use_id`);
	const content = block.content === undefined ? "" : resultContent(block.content, `${where}.content`);
	return { role: "tool", content, toolCallId };
}

function resultContent(content: unknown, where: string): string | readonly ContentPart[] {
	if (typeof content === "string") return content;
	if (!Array.isArray(content))
		throw new UsageError(`${where} must be a string or a list of parts, not ${kindOf(content)}`);
	return content.flatMap((part, index) => toPart(part, `${where}[${index}]`));
}

/** The older form knows no ids: a function is known by its name. */
function callIdOf(name: unknown): string {
	return `call_${String(name)}`;
}
