/** A socket, as far as undici reads from one. */
export interface ReadableSocket {
	readonly alpnProtocol?: string | false | null | undefined;
	read(size?: number): Buffer | null;
}

/** A longer head belongs to no interim response that a server would send. */
const longestHead = 16 * 1024;
const nothing = Buffer.alloc(0);

/**
 * Takes `100 Continue` off the responses of a connection. A client must accept 1xx that it did not ask for (RFC 9110,
 * 15.2), and some gateways send this one unasked; undici takes the others and closes the connection at this one.
 */
export function passOverContinue(socket: ReadableSocket, connection: { awaitsResponse: boolean }): void {
	const read = socket.read.bind(socket);
	let held: Buffer = nothing;
	socket.read = (size) => {
		let chunk = read(size);
		while (chunk !== null && connection.awaitsResponse) {
			const rest = afterContinue(held.length === 0 ? chunk : Buffer.concat([held, chunk]));
			if (rest.length > 0 && !mayBeContinue(rest)) {
				held = nothing;
				connection.awaitsResponse = false;
				return rest;
			}
			held = rest;
			chunk = read(size);
		}
		return chunk;
	};
}

/** What follows the whole interim responses that bytes begin with. */
function afterContinue(bytes: Buffer): Buffer {
	let rest = bytes;
	while (isContinue(rest)) {
		const end = rest.indexOf("\r\n\r\n");
		if (end === -1) break;
		rest = rest.subarray(end + 4);
	}
	return rest;
}

function isContinue(bytes: Buffer): boolean {
	return /^HTTP\/1\.\d 100(?!\d)/.test(bytes.toString("latin1", 0, 13));
}

/** Whether bytes may be the beginning of an interim response whose rest is to come. */
function mayBeContinue(bytes: Buffer): boolean {
	const start = bytes.toString("latin1", 0, 12);
	return bytes.length <= longestHead && (isContinue(bytes) || "HTTP/1.1 100".startsWith(start));
}
