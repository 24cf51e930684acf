import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from "node:net";

/** A loopback server of the test's own making. */
export interface Wire extends AsyncDisposable {
	readonly origin: string;
	readonly port: number;
	/** Connections opened to it so far, and those open now. */
	readonly opened: () => number;
	readonly open: () => number;
	/** Resolves once no connection is open. */
	idle(): Promise<void>;
}

export async function httpWire(
	handle: (request: IncomingMessage, response: ServerResponse, body: string) => void,
): Promise<Wire> {
	const server = createServer(async (request, response) => {
		let body = "";
		request.setEncoding("utf8");
		for await (const chunk of request) body += chunk;
		handle(request, response, body);
	});
	server.keepAliveTimeout = 60_000;
	return await listening(server);
}

/** A server that is told of each connection once the first bytes of a request came over it. */
export async function tcpWire(handle: (socket: Socket, count: number) => void): Promise<Wire> {
	let count = 0;
	const server = createTcpServer((socket) => {
		const number = ++count;
		socket.on("error", () => {});
		socket.once("data", () => handle(socket, number));
	});
	return await listening(server);
}

export async function listening(server: Server, scheme = "http"): Promise<Wire> {
	const sockets = new Set<Socket>();
	let opened = 0;
	const waiting: (() => void)[] = [];
	server.on("connection", (socket: Socket) => {
		opened++;
		sockets.add(socket);
		socket.on("close", () => {
			sockets.delete(socket);
			if (sockets.size === 0) for (const wake of waiting.splice(0)) wake();
		});
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	const { port } = server.address() as AddressInfo;
	return {
		port,
		origin: `${scheme}://127.0.0.1:${port}`,
		opened: () => opened,
		open: () => sockets.size,
		idle: () =>
			sockets.size === 0 ? Promise.resolve() : new Promise<void>((resolve) => waiting.push(resolve)),
		async [Symbol.asyncDispose]() {
			for (const socket of sockets) socket.destroy();
			await new Promise((resolve) => server.close(resolve));
		},
	};
}

/** A head and body as bytes of HTTP/1.1. */
export function answer(body: string | Buffer, headers: Record<string, string | number> = {}): Buffer {
	const bytes = Buffer.from(body);
	const all = { "content-type": "application/json", "content-length": bytes.length, ...headers };
	const head = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
	return Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\n${head.join("")}\r\n`), bytes]);
}
