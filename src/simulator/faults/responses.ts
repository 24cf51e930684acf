import { json } from "../call.ts";
import { contentFault, type Json } from "./change.ts";
import type { Fault } from "./fault.ts";
import { start } from "./frames.ts";

/** What only the Responses API does. */
export const responsesFaults: readonly Fault[] = [
	contentFault(
		{
			name: "response-failed",
			row: "16",
			does: "ends with status `failed` and an error, after half of the content",
			wires: ["responses"],
			value: "the code of the error (server_error)",
		},
		{ responses: (body) => fail(body, "server_error") },
		(frames, call, value = "server_error") => {
			const body: Json = JSON.parse(call.plainBody);
			fail(body, value);
			const data = JSON.stringify({ type: "response.failed", sequence_number: 9, response: body });
			return [...start(frames, undefined), { event: "response.failed", data }];
		},
	),
	{
		name: "summary-refused",
		row: "23",
		does: "answers 400 as long as a summary of the reasoning is asked for, as to an account that is not verified",
		wires: ["responses"],
		async play(call) {
			if (!call.request.wantsReasoning) {
				await call.respond(undefined);
				return;
			}
			const message = "Your organization must be verified to generate reasoning summaries.";
			const code = "unsupported_value";
			call.send(400, json, call.wire.error(400, { message, code, param: "reasoning.summary" }));
		},
	},
];

function fail(response: Json, code: string): void {
	const error = { code, message: "The model failed to generate a response." };
	Object.assign(response, { status: "failed", error, output: [], usage: null });
}
