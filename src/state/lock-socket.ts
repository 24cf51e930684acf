import type { Server } from "node:net";

/** A holder that is busy may be slow to say its pid, which is only wanted for a message. */
const answerTimeoutMs = 300;

/** An abstract Unix socket of Linux as a lock: the kernel frees it with its process, whatever that dies of. */
export class LockSocket {
	readonly #server: Server;

	private constructor(server: Server) {
		this.#server = server;
	}

	/** Takes the socket of a name, or tells the pid of the process that has it; null when that does not answer. */
	static async take(name: string): Promise<LockSocket | { readonly pid: number | null }> {
		const address = `\0llmx-lock-${name}`;
		const server = process.getBuiltinModule("node:net").createServer((socket) => {
			socket.on("error", () => {});
			socket.end(String(process.pid));
		});
		const taken = await new Promise<boolean>((resolve, reject) => {
			server.once("error", (error: NodeJS.ErrnoException) => {
				if (error.code === "EADDRINUSE") resolve(false);
				else reject(error);
			});
			server.listen(address, () => resolve(true));
		});
		if (!taken) return { pid: await askHolder(address) };
		server.unref();
		return new LockSocket(server);
	}

	close(): Promise<void> {
		return new Promise((resolve) => this.#server.close(() => resolve()));
	}
}

function askHolder(address: string): Promise<number | null> {
	return new Promise((resolve) => {
		let answer = "";
		const socket = process.getBuiltinModule("node:net").connect(address);
		socket.setTimeout(answerTimeoutMs, () => socket.destroy());
		socket.setEncoding("utf8");
		socket.on("data", (data: string) => {
			answer += data;
		});
		socket.on("error", () => {});
		socket.on("close", () => resolve(Number(answer) || null));
	});
}
