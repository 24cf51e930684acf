import { allFrames } from "../wires/wire.ts";
import { changed, contentFault, finishing } from "./change.ts";
import type { Fault } from "./fault.ts";

/** Ends that the server itself says are none. */
export const finishFaults: readonly Fault[] = [
	finishing(
		{
			name: "finish-aborted",
			row: "18",
			does: "gives the answer up after half of it, with a finish reason that says so, a usage and an end mark",
			value: "the finish reason (abort; cancelled; OTHER; pause_turn)",
		},
		{ openai: "abort", responses: "cancelled", gemini: "OTHER", anthropic: "pause_turn" },
		0.5,
	),
	contentFault(
		{ name: "finish-missing", row: "18", does: "answers in whole, without a finish reason", on: "plain" },
		{
			openai(body) {
				for (const choice of body.choices) choice.finish_reason = null;
			},
			responses: (body) => (body.status = null),
			gemini(body) {
				for (const candidate of body.candidates) delete candidate.finishReason;
			},
			anthropic: (body) => (body.stop_reason = null),
		},
		(frames) => allFrames(frames),
	),
	finishing(
		{
			name: "finish-broken",
			row: "17",
			does: "ends without any text, with a finish reason of its own",
			value: "the finish reason (unheard_of; MALFORMED_FUNCTION_CALL; new_reason)",
		},
		{
			openai: "unheard_of",
			responses: "unheard_of",
			gemini: "MALFORMED_FUNCTION_CALL",
			anthropic: "new_reason",
		},
		0,
	),
	contentFault(
		{
			name: "think-unopened",
			row: "facts",
			does: "puts thoughts before the answer that end with `</think>` and begin with nothing",
			wires: ["openai", "responses"],
			on: "plain",
		},
		{
			openai: (body) => {
				for (const { message } of body.choices) message.content = unopened(message.content);
			},
			responses: (body) => {
				const [part] = body.output.at(-1).content;
				part.text = unopened(part.text);
			},
		},
		(frames, call) => changed(allFrames(frames), call, () => {}),
	),
];

function unopened(text: string): string {
	return `Let me think.\n</think>\n\n${text}`;
}
