import { json } from "../call.ts";
import type { WireName } from "../request.ts";
import { allFrames } from "../wires/wire.ts";
import { type Change, changed, contentFault, type Json } from "./change.ts";
import type { Fault } from "./fault.ts";

/** Calls `change` on every usage object in a body. */
function onUsage(body: Json, change: (usage: Json) => void): void {
	for (const usage of [body.usage, body.usageMetadata, body.message?.usage, body.response?.usage])
		if (typeof usage === "object" && usage !== null) change(usage);
}

function dropUsage(body: Json): void {
	delete body.usage;
	delete body.usageMetadata;
	for (const holder of [body.message, body.response]) delete holder?.usage;
}

function spoilUsage(body: Json): void {
	onUsage(body, (usage) => {
		const values = [null, "many", -5, 1e300];
		Object.keys(usage).forEach((name, index) => {
			usage[name] = values[index % values.length];
		});
	});
}

const everyWire = (change: Change): Record<WireName, Change> => ({
	openai: change,
	responses: change,
	gemini: change,
	anthropic: change,
});

export const usageFaults: readonly Fault[] = [
	contentFault(
		{
			name: "usage-repeated",
			row: "23",
			does: "reports usage in every frame, growing; the last is the right one",
			on: "stream",
		},
		{},
		(frames, call) => {
			const repeated = changed(frames.content, call, (body) => {
				if (call.request.wire === "openai")
					body.usage = {
						prompt_tokens: call.answer.inputTokens,
						completion_tokens: 1,
						total_tokens: call.answer.inputTokens + 1,
					};
			});
			const last = frames.finish.slice(-1);
			const early =
				call.request.wire === "anthropic"
					? changed(last, call, (body) => (body.delta.stop_reason = null))
					: [];
			return [
				...frames.opening,
				...repeated,
				...early,
				...frames.finish,
				...frames.usage,
				...frames.usage,
				...frames.done,
			];
		},
	),
	contentFault(
		{ name: "usage-missing", row: "23", does: "reports no usage" },
		everyWire(dropUsage),
		(frames, call) => changed(allFrames({ ...frames, usage: [] }), call, dropUsage),
	),
	contentFault(
		{
			name: "usage-garbage",
			row: "23",
			does: "reports usage that makes no sense: null, text, negative, huge",
		},
		everyWire(spoilUsage),
		(frames, call) => changed(allFrames(frames), call, spoilUsage),
	),
	contentFault(
		{
			name: "usage-with-finish",
			row: "23",
			does: "reports usage in the frame with the finish reason (Together)",
			on: "stream",
			wires: ["openai"],
		},
		{},
		(frames, call) => {
			const usage = {
				prompt_tokens: call.answer.inputTokens,
				completion_tokens: call.answer.outputTokens,
				total_tokens: call.answer.inputTokens + call.answer.outputTokens,
			};
			return allFrames({
				...frames,
				finish: changed(frames.finish, call, (body) => (body.usage = usage)),
				usage: [],
			});
		},
	),
	{
		name: "usage-refused",
		row: "23",
		does: "answers 422 as long as `stream_options.include_usage` is asked for",
		on: "stream",
		wires: ["openai"],
		async play(call) {
			if (!call.request.includeUsage) {
				await call.respond(undefined);
				return;
			}
			const detail = [
				{ type: "extra_forbidden", loc: ["body", "stream_options"], msg: "Extra inputs are not permitted" },
			];
			call.send(422, json, JSON.stringify({ detail }));
		},
	},
];
