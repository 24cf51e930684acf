// undici exports its whole self or nothing; its pool alone starts 20 ms sooner, but its files carry no types.
declare module "undici/lib/dispatcher/pool.js" {
	import { type Dispatcher, Pool as Whole } from "undici";
	import { kDispatch } from "undici/lib/core/symbols.js";
	import type Client from "undici/lib/dispatcher/client.js";
	import {
		kClients,
		kGetDispatcher,
		kHasDispatcher,
		kOnClientDrain,
	} from "undici/lib/dispatcher/pool-base.js";

	export default class Pool extends Whole {
		[kClients]: readonly Dispatcher[];
		[kDispatch](options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean;
		/** A connection that takes a request now; undefined where it has to wait. */
		[kGetDispatcher](): Dispatcher | undefined;
		/** Whether there is one. */
		[kHasDispatcher](): boolean;
		/** A connection takes requests again. */
		[kOnClientDrain](client: Client): void;
	}
}
declare module "undici/lib/dispatcher/pool-base.js" {
	export const kClients: unique symbol;
	export const kGetDispatcher: unique symbol;
	export const kHasDispatcher: unique symbol;
	export const kNeedDrain: unique symbol;
	export const kOnClientDrain: unique symbol;
}
declare module "undici/lib/core/symbols.js" {
	export const kConnected: unique symbol;
	export const kConnector: unique symbol;
	export const kDispatch: unique symbol;
}
declare module "undici/lib/dispatcher/client.js" {
	import type { Socket } from "node:net";
	import type { TLSSocket } from "node:tls";
	import { Client as Whole } from "undici";
	import { kConnected, kConnector } from "undici/lib/core/symbols.js";
	import { kNeedDrain } from "undici/lib/dispatcher/pool-base.js";

	type Connect = (
		target: object,
		callback: (
			error: Error | null,
			socket?: TLSSocket | (Socket & { readonly alpnProtocol?: undefined }) | null,
		) => void,
	) => void;
	export default class Client extends Whole {
		/** How it opens a connection. */
		[kConnector]: Connect;
		readonly [kConnected]: boolean;
		/** Set by its pool while it takes no request. */
		readonly [kNeedDrain]?: boolean;
	}
}
declare module "undici/lib/dispatcher/env-http-proxy-agent.js" {
	import { EnvHttpProxyAgent } from "undici";
	export default EnvHttpProxyAgent;
}
declare module "undici/lib/dispatcher/dispatcher.js" {
	import { Dispatcher } from "undici";
	export default Dispatcher;
}
declare module "undici/lib/api/api-connect.js" {
	const connect: object;
	export default connect;
}
