import { closeSync, openSync } from "node:fs";
import type { Socket } from "node:net";

/** Of one connection, the other end of which may be in this process, as that of the simulator is. */
const perConnection = 2;
/** Left for files: what comes over the connections is to be written. */
const spare = 6;
/** Looked for at first, for a look costs as much as a connection; where many connections are being made, more will be. */
const enough = 64;

/** Descriptors that are surely there; what is given back is found when these are used up. */
let known = spare + 2 * perConnection;
let beingMade = 0;
/** Over which nothing has come yet: their other ends may be about to take a descriptor. */
const silent = new Set<Socket>();

/**
 * Takes the descriptors of a connection that is to be made, so that the last ones are left for files; false where
 * there are so few. `noteConnection` is to follow.
 */
export function takeDescriptors(): boolean {
	if (known < spare + perConnection) known = countFree();
	const isRoom = known >= spare + perConnection;
	known -= perConnection;
	beingMade += 1;
	return isRoom;
}

/** The connection was made, or was not. */
export function noteConnection(socket: Socket | null | undefined): void {
	beingMade -= 1;
	if (socket) silent.add(socket);
}

function countFree(): number {
	for (const socket of silent) if (socket.bytesRead > 0 || socket.destroyed) silent.delete(socket);
	const spokenFor = beingMade + silent.size;
	const { devNull } = process.getBuiltinModule("node:os");
	const opened: number[] = [];
	try {
		while (opened.length < enough + 2 * spokenFor) opened.push(openSync(devNull, "r"));
	} catch {
		// So many there are.
	}
	for (const descriptor of opened) closeSync(descriptor);
	return opened.length - spokenFor;
}
