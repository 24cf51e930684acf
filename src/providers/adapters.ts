import type { FetchLike } from "../http/contract.ts";
import type { WireFormat } from "../parameters/table.ts";
import type { Adapter, AdapterFactory } from "./adapter.ts";
import type { ProviderRow } from "./provider-row.ts";

/** One module per wire format, loaded with the SDK of those that have one when a provider that speaks it is first used. */
const factories: Readonly<Record<WireFormat, () => Promise<{ readonly createAdapter: AdapterFactory }>>> = {
	openai: () => import("./openai/openai-compatible.ts"),
	// In one file with the other: what both are made of would be files of its own on the way to a request.
	responses: () => import("./openai/openai-compatible.ts"),
	gemini: () => import("./gemini/gemini.ts"),
	anthropic: () => import("./anthropic/anthropic.ts"),
};

/** The parts of a route that an adapter needs. */
export interface AdapterRoute {
	readonly provider: ProviderRow;
	readonly baseUrl: string;
	readonly keys: readonly { readonly value: string; readonly bearer: boolean }[];
}

/** Loads the provider's wire and makes its adapter; clients are made per key on first use. */
export async function loadAdapter(route: AdapterRoute, fetch: FetchLike): Promise<Adapter> {
	const { createAdapter } = await factories[route.provider.wire]();
	const bearerKeys = new Set(route.keys.filter(({ bearer }) => bearer).map(({ value }) => value));
	return createAdapter({ provider: route.provider, baseUrl: route.baseUrl, fetch, bearerKeys });
}
