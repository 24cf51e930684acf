import { allFrames } from "../wires/wire.ts";
import { cutAfter, stallMs } from "./connection.ts";
import type { Fault } from "./fault.ts";
import { closing, encodeOpen, sendFrames } from "./frames.ts";

/** Ends of streams that are not what the wire says, and yet ends: the answer is whole. */
export const endingFaults: readonly Fault[] = [
	{
		name: "no-done",
		row: "19",
		does: "leaves the end marker out ([DONE], message_stop)",
		on: "stream",
		play: (call) => sendFrames(call, allFrames({ ...call.frames, done: [] })),
	},
	{
		name: "done-without-finish",
		row: "19",
		does: "sends [DONE] but no finish reason",
		on: "stream",
		wires: ["openai"],
		play: (call) => sendFrames(call, allFrames({ ...call.frames, finish: [] })),
	},
	{
		name: "no-final-blank-line",
		row: "19",
		does: "ends right after the last frame's data",
		on: "stream",
		play(call) {
			call.openStream();
			call.response.end(call.encode(allFrames({ ...call.frames, done: [] })).trimEnd());
		},
	},
	{
		name: "open-after-done",
		row: "19",
		does: "sends the whole stream and leaves the connection open",
		on: "stream",
		value: "ms until it is closed; without it never",
		async play(call, value) {
			call.openStream();
			call.response.write(call.encode(allFrames(call.frames)));
			if (await call.sleep(stallMs(value))) call.response.end();
		},
	},
	{
		name: "open-after-finish",
		row: "19",
		does: "sends everything up to the finish reason and leaves the connection open",
		on: "stream",
		value: "ms until usage and end marker follow; without it never",
		async play(call, value) {
			const { opening, content, finish, usage, done } = call.frames;
			call.openStream();
			call.response.write(encodeOpen(call, [...opening, ...content, ...finish]));
			if (await call.sleep(stallMs(value)))
				call.response.end(encodeOpen(call, [...usage, ...done], false) + closing(call));
		},
	},
	{
		name: "data-after-done",
		row: "19",
		does: "sends more content after the end marker",
		on: "stream",
		wires: ["openai", "anthropic"],
		play(call) {
			call.openStream();
			const { frames } = call;
			call.response.end(call.encode(allFrames(frames)) + encodeOpen(call, frames.content.slice(-1)));
		},
	},
	{
		name: "cut-after-finish",
		row: "19",
		does: "cuts the connection right after the finish reason",
		on: "stream",
		async play(call) {
			const { opening, content, finish } = call.frames;
			call.openStream();
			await cutAfter(call, encodeOpen(call, [...opening, ...content, ...finish]));
		},
	},
];
