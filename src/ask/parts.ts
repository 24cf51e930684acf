import { ResponseCache } from "../cache/response-cache.ts";
import type { Http } from "../http/contract.ts";
import { createHttp, type HttpOptions } from "../http/http.ts";
import { findRoute } from "../models/find-route.ts";
import type { ModelRoute } from "../models/router.ts";
import { loadSettings } from "../models/settings.ts";
import type { LLMOptions } from "../options.ts";
import { type Clock, systemClock } from "../schedule/clock.ts";
import { Ledger } from "../state/ledger.ts";
import type { Paths } from "../state/paths.ts";
import { Accounting } from "./accounting.ts";
import { CachedAnswers } from "./cached.ts";
import { Caller } from "./call.ts";
import type { LLMRuntime } from "./runtime.ts";

/** What an LLM is made of. */
export interface LLMParts {
	readonly clock: Clock;
	/** Numbers in [0, 1). */
	readonly random: () => number;
	readonly paths: Paths;
	readonly route: ModelRoute;
	/** How the server is reached. */
	readonly network: HttpOptions;
	readonly http: Http;
	readonly cache: ResponseCache | undefined;
	readonly ledger: Ledger | undefined;
	readonly accounting: Accounting;
	readonly cached: CachedAnswers;
	readonly caller: Caller;
	readonly onPacing: LLMRuntime["onPacing"];
}

/**
 * Puts together what an LLM is made of. Nothing is loaded or connected yet.
 * @throws NoRouteError when no provider serves the model; ConfigError for a config file, base URL or key that cannot be
 * used
 */
export function assemble(model: string, options: LLMOptions, runtime: LLMRuntime): LLMParts {
	const settings = runtime.settings ?? loadSettings(options.env ?? process.env);
	const { paths } = settings;
	const { onWarning, command = "library", session, label, onNote } = options;
	const { route, network } = findRoute(model, options, settings, runtime.timeouts);
	const http = createHttp(network);
	const cache =
		options.cache === false
			? undefined
			: new ResponseCache(paths.cache, { onWarning, maxAgeMs: options.cacheMaxAgeMs, url: options.cacheUrl });
	const ledger =
		options.ledger === false
			? undefined
			: new Ledger(paths.ledger, {
					onWarning,
					onLost: runtime.onLedgerLost,
					syncsAtEnd: runtime.asksOnce,
				});
	const accounting = new Accounting({ model, route, ledger, command, session, label });
	const common = { model, route, accounting };
	return {
		clock: runtime.clock ?? systemClock,
		random: runtime.random ?? Math.random,
		paths,
		route,
		network,
		http,
		cache,
		ledger,
		accounting,
		cached: new CachedAnswers({ ...common, cache }),
		caller: new Caller({ ...common, http, ledger, onNote }),
		onPacing: runtime.onPacing,
	};
}
