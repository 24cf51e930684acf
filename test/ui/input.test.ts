import { expect, it } from "vitest";
import { InputHistory } from "../../src/chat/input/history.ts";
import { KeyDecoder } from "../../src/terminal/keys.ts";
import { type InputActions, InputController } from "../../src/ui/input.ts";

/** What is sent when `suggested` stands in the box and `keys` are pressed. */
function sentAfter(suggested: string, keys: string): string[] {
	const sent: string[] = [];
	const nothing = { submit: (message: string) => sent.push(message) } as unknown as InputActions;
	const actions = new Proxy(nothing, {
		get: (target, name) => Reflect.get(target, name) ?? (() => undefined),
	});
	const input = new InputController(new InputHistory([]), actions);
	input.suggest(suggested);
	for (const event of new KeyDecoder().push(keys, 0)) input.take(event);
	return sent;
}

it("a command typed behind what was put back into the box is that command, and anything else is text", () => {
	expect(sentAfter("why?", "/retry\r")).toEqual(["/retry"]);
	expect(sentAfter("why?", "/model gpt-4.1\r")).toEqual(["/model gpt-4.1"]);
	expect(sentAfter("/modle x", "/model x\r")).toEqual(["/model x"]);
	expect(sentAfter("see src", "/ui\r")).toEqual(["see src/ui"]);
	expect(sentAfter("see src", "/ui/help\r")).toEqual(["see src/ui/help"]);
	expect(sentAfter("why?", "\r")).toEqual(["why?"]);
	expect(sentAfter("", "why?/retry\r")).toEqual(["why?/retry"]);
});
