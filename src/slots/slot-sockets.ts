import { connect, createServer, type Server, type Socket } from "node:net";
import type { Place, Places } from "./place.ts";

/**
 * Places as abstract Unix sockets of Linux: a name can be listened on by one process at a time, and the kernel takes
 * it back when that process dies. Who waits for a place connects to its holder, who so learns that it is wanted; the
 * end of the connection says that it was freed.
 */
export class SlotSockets implements Places {
	readonly keepMs = 1_000;
	readonly #owner: string;

	constructor(owner: string) {
		this.#owner = owner;
	}

	take(number: number): Promise<Place | undefined> {
		const server = createServer();
		return new Promise((resolve, reject) => {
			server.once("error", (error: NodeJS.ErrnoException) => {
				if (error.code === "EADDRINUSE") resolve(undefined);
				else reject(error);
			});
			server.listen(this.#address(number), () => {
				server.unref();
				resolve(new SocketPlace(number, server));
			});
		});
	}

	areWanted(): boolean {
		return false;
	}

	watch(number: number, onFreed: () => void): () => void {
		const socket = connect(this.#address(number));
		// Refused when it was freed since it was tried for; then it is tried for again.
		socket.on("error", () => {});
		socket.on("close", onFreed);
		return () => {
			socket.removeListener("close", onFreed);
			socket.destroy();
		};
	}

	#address(number: number): string {
		return `\0llmx-${this.#owner}-slot-${number}`;
	}
}

/** How much later than the first in line the others hear that a place was freed. */
const headStartMs = 20;

class SocketPlace implements Place {
	readonly number: number;
	onWanted: (() => void) | undefined;
	readonly #server: Server;
	/** Those who wait, in the order in which they came. */
	readonly #waiting = new Set<Socket>();

	constructor(number: number, server: Server) {
		this.number = number;
		this.#server = server;
		server.on("connection", (socket) => {
			socket.unref();
			socket.on("error", () => {});
			socket.on("close", () => this.#waiting.delete(socket));
			// Read, so that the end of a waiter's connection is noticed.
			socket.resume();
			this.#waiting.add(socket);
			this.onWanted?.();
		});
	}

	get wanted(): boolean {
		return this.#waiting.size > 0;
	}

	async free(): Promise<void> {
		const [first, ...others] = this.#waiting;
		// The name is free as soon as nobody listens, before the connections end.
		const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
		first?.destroy();
		if (others.length > 0)
			setTimeout(() => {
				for (const socket of others) socket.destroy();
			}, headStartMs).unref();
		if (others.length === 0) await closed;
	}
}
