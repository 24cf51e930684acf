import { createServer, type RequestListener, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { selfSignedCertificate } from "./certificate.ts";
import type { SimulatorOptions } from "./options.ts";

/** A port on loopback that comes up and goes down, and the connections that it holds. */
export class Listener {
	readonly #options: SimulatorOptions;
	readonly #server: Server;
	readonly #onConnection: () => void;
	readonly #sockets = new Set<Socket>();
	readonly #answersOn = new WeakMap<Socket, number>();
	#port: number;
	#closed = false;

	constructor(options: SimulatorOptions, onRequest: RequestListener, onConnection: () => void) {
		this.#options = options;
		this.#onConnection = onConnection;
		this.#port = options.port ?? 0;
		const settings = { keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0, noDelay: true };
		this.#server = options.tls
			? createTlsServer({ ...settings, ...selfSignedCertificate() }, onRequest)
			: createServer(settings, onRequest);
		this.#server.on("connection", (socket) => this.#track(socket));
		// A client that resets its connection is an ordinary event here.
		this.#server.on("clientError", (_error, socket) => socket.destroy());
	}

	/** The one of the options, or the free one that it found. */
	get port(): number {
		return this.#port;
	}

	async comeUp(): Promise<void> {
		await new Promise<void>((resolve, reject) => {
			this.#server.once("error", reject);
			this.#server.listen(this.#port, "127.0.0.1", 4_096, () => {
				this.#server.off("error", reject);
				if (this.#options.unref) this.#server.unref();
				resolve();
			});
		});
		this.#port = (this.#server.address() as AddressInfo).port;
	}

	async goDown(): Promise<void> {
		await new Promise<void>((resolve) => {
			this.#server.close(() => resolve());
			for (const socket of this.#sockets) socket.destroy();
		});
	}

	async close(): Promise<void> {
		this.#closed = true;
		await this.goDown();
	}

	/** Is down for so many ms. */
	async outage(ms: number): Promise<void> {
		await this.goDown();
		await new Promise((resolve) => setTimeout(resolve, ms));
		if (!this.#closed) await this.comeUp();
	}

	/** Closes the connection after this answer if it has had as many as the options allow. */
	closeWhenDue(response: ServerResponse): void {
		const most = this.#options.answersPerConnection;
		const { socket } = response;
		if (most === undefined || socket === null) return;
		const answers = (this.#answersOn.get(socket) ?? 0) + 1;
		this.#answersOn.set(socket, answers);
		if (answers >= most) response.once("finish", () => socket.end());
	}

	#track(socket: Socket): void {
		this.#onConnection();
		this.#sockets.add(socket);
		if (this.#options.unref) socket.unref();
		socket.once("close", () => this.#sockets.delete(socket));
		socket.on("error", () => socket.destroy());
	}
}
