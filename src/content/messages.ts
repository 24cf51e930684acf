import { UsageError } from "../errors.ts";
import type { ContentPart, Message, Role } from "../types.ts";
import { isObject, kindOf, toPart } from "./message-parts.ts";
import { toCallBlock, toolCallsOf, toResultBlock, toToolResult } from "./tool-messages.ts";

/**
 * Turns what a caller has into messages: a text, our own messages, or a history in OpenAI's or Anthropic's form.
 * Calls of tools and their results are part of a history, in either form. Fields that llmx does not know (`name`,
 * `cache_control`, ids, earlier reasoning) are left out. Throws UsageError, naming the place
 * (`messages[2].content[0]`), for what cannot be sent: ids of uploaded files, unknown parts.
 */
export function toMessages(input: unknown): Message[] {
	if (typeof input === "string") return [{ role: "user", content: input }];
	if (!Array.isArray(input))
		throw new UsageError(`messages must be a string or a list, not ${kindOf(input)}`);
	if (input.length === 0) throw new UsageError("messages must not be empty");
	return input.flatMap((message, index) => toMessage(message, `messages[${index}]`));
}

const roles: Readonly<Record<string, Role>> = {
	system: "system",
	developer: "system",
	user: "user",
	human: "user",
	assistant: "assistant",
	model: "assistant",
	tool: "tool",
	function: "tool",
};

/** One message, or several: Anthropic puts the results of tools beside what the user says. */
function toMessage(message: unknown, where: string): Message | Message[] {
	if (!isObject(message)) throw new UsageError(`${where} must be an object, not ${kindOf(message)}`);
	const { role: name, content } = message;
	const role = typeof name === "string" && Object.hasOwn(roles, name) ? roles[name] : undefined;
	if (role === undefined)
		throw new UsageError(`${where}.role must be system, user, assistant or tool, not ${kindOf(name)}`);
	if (role === "tool") return toToolResult(message, where);
	const toolCalls = role === "assistant" ? toolCallsOf(message, where) : [];
	const withCalls = <M extends Message>(made: M): M =>
		toolCalls.length === 0 ? made : { ...made, toolCalls };
	if (typeof content === "string") return withCalls({ role, content });
	// OpenAI writes an answer without text as null.
	if ((content === null || content === undefined) && role === "assistant")
		return withCalls({ role, content: "" });
	if (!Array.isArray(content))
		throw new UsageError(`${where}.content must be a string or a list of parts, not ${kindOf(content)}`);
	const results: Message[] = [];
	const parts: ContentPart[] = [];
	for (const [index, part] of content.entries()) {
		const at = `${where}.content[${index}]`;
		if (isObject(part) && part.type === "tool_result") results.push(toResultBlock(part, at));
		else if (isObject(part) && part.type === "tool_use") toolCalls.push(toCallBlock(part, at));
		else parts.push(...[toPart(part, at)].flat());
	}
	if (results.length > 0) return parts.length === 0 ? results : [...results, { role, content: parts }];
	return withCalls({ role, content: parts });
}
