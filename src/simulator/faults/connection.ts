import type { Call } from "../call.ts";
import type { Fault } from "./fault.ts";

const halfHead = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-";
const stallValue = "ms after which it goes on and answers; without it never";

/** How long a stall lasts: the given ms, or until the client gives up. */
export function stallMs(value: string | undefined): number {
	return value === undefined ? Number.POSITIVE_INFINITY : Number(value);
}

export const connectionFaults: readonly Fault[] = [
	{
		name: "outage",
		row: "1",
		does: "the whole server goes down: connections are cut and new ones refused",
		value: "ms until it is back (1000)",
		play: (call, value = "1000") => call.host.outage(Number(value)),
	},
	{
		name: "reset-before-response",
		row: "2-5",
		does: "resets the connection (RST) instead of answering",
		play: (call) => {
			call.socket.resetAndDestroy();
		},
	},
	{
		name: "close-before-response",
		row: "2-5",
		does: "closes the connection (FIN) instead of answering",
		play: (call) => {
			call.socket.end();
		},
	},
	{
		name: "no-answer",
		row: "2-5",
		does: "says nothing",
		value: stallValue,
		async play(call, value) {
			if (await call.sleep(stallMs(value))) await call.respond(undefined);
		},
	},
	{
		name: "half-headers",
		row: "2-5",
		does: "sends half of the response headers, then stalls",
		value: "ms after which it closes the connection; without it never",
		async play(call, value) {
			call.socket.write(halfHead);
			if (await call.sleep(stallMs(value))) call.socket.end();
		},
	},
	{
		name: "cut-headers",
		row: "2-5",
		does: "sends half of the response headers, then closes the connection",
		play: (call) => {
			call.socket.end(halfHead);
		},
	},
	{
		name: "keep-alive-close",
		row: "25",
		does: "on a connection that has answered before: closes it without a byte; on a fresh one: answers",
		async play(call) {
			if (call.socket.bytesWritten > 0) {
				call.socket.destroy();
				return;
			}
			await call.respond(undefined);
		},
	},
	{
		name: "idle-close",
		row: "25",
		does: "answers, then closes the idle connection without having announced it",
		value: "ms of idleness (0)",
		async play(call, value = "0") {
			const { socket } = call;
			call.response.once("finish", () => setTimeout(() => socket.end(), Number(value)).unref());
			await call.respond(undefined);
		},
	},
];

/** Writes bytes and waits until they are handed to the kernel, then cuts the connection. */
export async function cutAfter(call: Call, bytes: string | Buffer): Promise<void> {
	await call.write(bytes);
	call.socket.destroy();
}
