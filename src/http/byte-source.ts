import type { TransportError } from "./transport-error.ts";

/** Where a response's bytes come from. */
export interface ByteSource {
	/** The next piece, or null at the end; rejects with a TransportError. */
	read(): Promise<Uint8Array | null>;
	/**
	 * All of it. Servers that leave the connection open and tell of no end are not waited for once `isWhole` says that
	 * what came can be all; `finish` then lets go of the rest.
	 */
	readAll(isWhole?: (bytes: Buffer) => boolean): Promise<Buffer>;
	/** The consumer has all it needs: the rest is read to its end, so that the connection can serve again. */
	finish(): void;
	/**
	 * The consumer leaves, for `error` if the bytes are at fault. Unless their end was reached, the connection is
	 * closed, so that the server stops too.
	 */
	stop(error?: TransportError): void;
}
