import type { Fault } from "./fault.ts";
import { spelling } from "./spelling.ts";

/** Sends something that is not a part of the answer before its first event and behind each. */
function heartbeat(name: string, does: string, beat: string): Fault {
	return spelling(
		`heartbeat-${name}`,
		`keeps the stream alive with ${does}`,
		(text) => `${beat}\n\n${text.replaceAll("\n\n", `\n\n${beat}\n\n`)}`,
	);
}

/** What servers and gateways put between the events of an answer. */
export const heartbeatFaults: readonly Fault[] = [
	heartbeat("empty", "events without data", "data:\n\ndata: "),
	heartbeat("ping", "`event: ping` without data", "event: ping\ndata: "),
	heartbeat("text", "a word that is not JSON", "data: keep-alive"),
	heartbeat("null", "`data: null`", "data: null"),
	heartbeat("object", "`data: {}`", "data: {}"),
	heartbeat("typed", 'a `{"type": "ping"}` that the wire may not know', 'data: {"type": "ping"}'),
	{
		...spelling("done-blanks", "writes `[DONE] ` with a blank behind it", (text) =>
			text.replace("[DONE]", "[DONE] "),
		),
		wires: ["openai"],
	},
	{
		...spelling("done-lower", "writes `[done]`", (text) => text.replace("[DONE]", "[done]")),
		wires: ["openai"],
	},
	spelling("nan-in-field", "writes NaN and -Infinity as Python does", (text) =>
		text.replaceAll(/^data: \{/gm, 'data: {"logprob":-Infinity,"score":NaN,'),
	),
];
