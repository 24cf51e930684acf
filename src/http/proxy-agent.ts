/** Loaded only where a proxy is set. */

import type { Dispatcher } from "undici";
import connect from "undici/lib/api/api-connect.js";
import UndiciDispatcher from "undici/lib/dispatcher/dispatcher.js";
import EnvHttpProxyAgent from "undici/lib/dispatcher/env-http-proxy-agent.js";

// undici's index gives its dispatchers their methods, and is not loaded; a tunnel is opened with this one.
Object.assign(UndiciDispatcher.prototype, { connect });

/** An agent of which every connection goes through a proxy. `options` are an Agent's. */
export function createProxyAgent(proxy: string, options: object): Dispatcher {
	return new EnvHttpProxyAgent({ ...options, httpProxy: proxy, httpsProxy: proxy, noProxy: "" });
}
