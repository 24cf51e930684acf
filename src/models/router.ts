import { ConfigError, MissingKeyError, NoRouteError } from "../errors.ts";
import { defineProvider, type ProviderForm, withForm } from "../providers/provider-definition.ts";
import { type ProviderRow, rowOfModel } from "../providers/provider-row.ts";
import { providers as knownProviders } from "../providers/registry.ts";
import type { Config } from "../state/config.ts";
import { nearestNames } from "../state/nearest.ts";
import type { Environment, OwnPrices } from "../types.ts";
import {
	type Address,
	addressesOf,
	type GivenAddress,
	hostOf,
	isPlainHttpBeyondLoopback,
	nameOf,
	refuseForeign,
} from "./addresses.ts";
import { ownPrices } from "./own-prices.ts";
import type { Price } from "./price-table.ts";

export type { ProviderRow } from "../providers/provider-row.ts";

/** One API key and where it was found. */
export interface RouteKey {
	readonly value: string;
	/** The variable's name, `stored`, or `option`. */
	readonly source: string;
	/** Goes out as `Authorization: Bearer` although the provider's own scheme is another header. */
	readonly bearer: boolean;
}

/** A server and the keys that are sent to its origin, and to no other. */
export interface RouteServer {
	/** Its host, with as much of its address as tells it from the others. */
	readonly name: string;
	/** Without a trailing slash; empty only for the simulator before it is started. */
	readonly baseUrl: string;
	/** In the order in which they are to be used. */
	readonly keys: readonly RouteKey[];
}

/** Where a model string leads. */
export interface ModelRoute {
	readonly provider: ProviderRow;
	/** The provider's own name of the model. */
	readonly modelId: string;
	/** All that serve the model; one at least. */
	readonly servers: readonly RouteServer[];
	/** Of the first server, which alone is asked for batch jobs and lists of models. */
	readonly baseUrl: string;
	readonly keys: readonly RouteKey[];
	/** Where the addresses were found: the variable's name, `option` or `default`. */
	readonly baseUrlSource: string;
	/** What the user says that the model costs; empty where the table's price holds. */
	readonly prices: readonly Price[];
}

/** Where `route` looks. */
export interface RouteOptions {
	readonly env: Environment;
	/** Rows of the config file; they win over built-in ones. */
	readonly providers?: readonly ProviderRow[] | undefined;
	/** Keys from the key file, by provider id. */
	readonly storedKeys?: Readonly<Record<string, string | readonly string[] | undefined>> | undefined;
	/** Replaces the base URL of whatever provider is chosen. */
	readonly baseUrl?: string | undefined;
	/** The same for several servers. */
	readonly baseUrls?: readonly GivenAddress[] | undefined;
	/** Prices of the user's own; those of a later list win. */
	readonly prices?: readonly (OwnPrices | undefined)[] | undefined;
	/** Replaces the forms of whatever provider is chosen. */
	readonly form?: ProviderForm | undefined;
	/** Replaces the keys of whatever provider is chosen. */
	readonly keys?: readonly string[] | undefined;
}

/**
 * Finds the provider of a model string: `sambanova/X` is X at SambaNova, `gpt-…` without a prefix is OpenAI, and
 * with LITELLM_BASE_URL set any other prefix goes to that proxy whole. Only the first prefix is taken off.
 * A missing key is not an error here: call `requireKeys` before the first request.
 * @throws NoRouteError when nobody serves the model; ConfigError for a base URL or key that cannot be used
 */
export function route(model: string, options: RouteOptions): ModelRoute {
	const { provider: row, modelId } = findProvider(model, options);
	const provider = rowOfModel(withForm(row, options.form ?? {}), modelId);
	const { addresses, source } = addressesOf(provider, options);
	const servers = addresses.map((address) => serverAt(address, addresses, provider, options));
	const { baseUrl, keys } = servers[0] as RouteServer;
	const prices = ownPrices({ model, provider, modelId }, ...(options.prices ?? []));
	return { provider, modelId, servers, baseUrl, keys, baseUrlSource: source, prices };
}

/** A server with its name and its keys. @throws ConfigError for keys that may not be sent there */
function serverAt(
	{ baseUrl, keyEnv, keys: given }: Address,
	all: readonly Address[],
	provider: ProviderRow,
	options: RouteOptions,
): RouteServer {
	const hasOwn = keyEnv !== undefined || given !== undefined;
	const keys = hasOwn
		? toKeys(provider, given ?? [options.env[keyEnv ?? ""] ?? ""], keyEnv ?? "option")
		: findKeys(provider, options);
	if (!hasOwn && keys.length > 0) refuseForeign(provider, baseUrl, all);
	const holdsSecret = keys.length > 0 || Object.values(provider.headers).some((value) => value.includes("$"));
	if (holdsSecret && isPlainHttpBeyondLoopback(baseUrl))
		throw new ConfigError(
			`refusing to send the ${provider.label} key over plain http to ${hostOf(baseUrl)}`,
			{ hint: "use https, or a loopback address" },
		);
	return { name: nameOf(baseUrl, all), baseUrl, keys };
}

/**
 * The keys of a route; empty for a provider that needs none.
 * @throws MissingKeyError when it needs one and there is none
 */
export function requireKeys(found: ModelRoute): readonly RouteKey[] {
	const { provider, servers, keys } = found;
	const keyless = provider.keyRequired ? servers.find((server) => server.keys.length === 0) : undefined;
	if (keyless !== undefined && keyless !== servers[0])
		throw new MissingKeyError(`no API key for ${provider.label} at ${keyless.name}`, {
			hint: 'name its variable in the config: "base_urls": [{ "url": "https://…", "key_env": "NAME" }]',
		});
	if (keyless !== undefined)
		throw new MissingKeyError(`no API key for ${provider.label}: ${provider.keyEnv[0]} is not set`, {
			hint: `export ${provider.keyEnv[0]}=…, or store it: llmx keys set ${provider.id}`,
		});
	return keys;
}

/** A model to use, and why that one. */
export interface ModelChoice {
	readonly model: string;
	/** A sentence's end for people: `from -m`, `from LLMX_MODEL`, … */
	readonly reason: string;
	/** The user did not name it: say so on stderr. */
	readonly isDefault: boolean;
}

/** What names a model, strongest first, and where keys are looked for. */
export interface ModelChoiceOptions extends Pick<RouteOptions, "env" | "providers" | "storedKeys"> {
	readonly flag?: string | undefined;
	readonly configModel?: string | undefined;
}

/**
 * The model to use: the flag, LLMX_MODEL, the config file, then the default model of the first provider that has
 * a key of its own. Undefined when there is none of these.
 * @throws ConfigError for a key that cannot be used
 */
export function chooseModel(options: ModelChoiceOptions): ModelChoice | undefined {
	const { flag, env, configModel } = options;
	if (flag) return { model: flag, reason: "from -m", isDefault: false };
	if (env.LLMX_MODEL) return { model: env.LLMX_MODEL, reason: "from LLMX_MODEL", isDefault: false };
	if (configModel) return { model: configModel, reason: "from the config file", isDefault: false };
	for (const provider of rows(options.providers)) {
		if (provider.defaultModel === null) continue;
		const key = findKeys(provider, options).find(({ source }) => !provider.foreignKeyEnv.includes(source));
		if (key === undefined) continue;
		const where = key.source === "stored" ? `a key for ${provider.label} is stored` : `${key.source} is set`;
		return {
			model: `${provider.prefixes[0]}/${provider.defaultModel}`,
			reason: `the default of ${provider.label}, because ${where}`,
			isDefault: true,
		};
	}
	return undefined;
}

/** The rows that a config file defines. @throws ConfigError for an id that cannot be one */
export function configuredRows(definitions: Config["providers"]): ProviderRow[] {
	return Object.entries(definitions).map(([id, definition]) => defineProvider(id, definition));
}

/** All rows, the user's first. */
export function rows(extra: readonly ProviderRow[] = []): readonly ProviderRow[] {
	const replaced = new Set(extra.map(({ id }) => id));
	return [...extra, ...Object.values<ProviderRow>(knownProviders).filter(({ id }) => !replaced.has(id))];
}

function findProvider(
	model: string,
	options: RouteOptions,
): { readonly provider: ProviderRow; readonly modelId: string } {
	const all = rows(options.providers);
	const slash = model.indexOf("/");
	const prefix = slash === -1 ? "" : model.slice(0, slash);
	if (slash === -1) {
		const bare = all.find(({ bareNames }) => bareNames?.test(model));
		if (bare !== undefined) return { provider: bare, modelId: model };
	}
	const prefixed = slash === -1 ? undefined : all.find(({ prefixes }) => prefixes.includes(prefix));
	if (prefixed !== undefined) {
		const modelId = model.slice(slash + 1);
		if (modelId === "") throw new NoRouteError(`"${model}" names no model after the slash`);
		return { provider: prefixed, modelId };
	}
	const proxy = all.find(({ id }) => id === "litellm");
	if (slash > 0 && proxy !== undefined && options.env.LITELLM_BASE_URL)
		return { provider: proxy, modelId: model };
	throw noRoute(model, prefix, all);
}

/** As many as fit on a line; `llmx models` knows them all. */
const mostPrefixes = 6;

function noRoute(model: string, prefix: string, all: readonly ProviderRow[]): NoRouteError {
	const known = all.flatMap((provider) => provider.prefixes);
	const near = nearestNames(prefix || model, known, mostPrefixes).map((candidate) => `${candidate}/`);
	const usual = all.slice(0, mostPrefixes).map(({ prefixes }) => `${prefixes[0]}/`);
	return new NoRouteError(`no provider serves the model "${model.slice(0, 100)}"`, {
		hint:
			near.length > 0
				? `did you mean ${near.join(" or ")}? All models: llmx models`
				: `write PREFIX/MODEL, as in ${usual.join(" ")}; all models: llmx models`,
	});
}

function findKeys(
	provider: ProviderRow,
	options: Pick<RouteOptions, "env" | "storedKeys" | "keys">,
): readonly RouteKey[] {
	const { env } = options;
	if (options.keys !== undefined && options.keys.length > 0) return toKeys(provider, options.keys, "option");
	for (const name of provider.keyListEnv) {
		const keys = toKeys(provider, env[name]?.split(",") ?? [], name);
		if (keys.length > 0) return keys;
	}
	for (const name of provider.keyEnv) {
		const keys = toKeys(provider, [env[name] ?? ""], name);
		if (keys.length > 0) return keys;
	}
	const stored = options.storedKeys?.[provider.id] ?? [];
	return toKeys(provider, typeof stored === "string" ? [stored] : stored, "stored");
}

function toKeys(provider: ProviderRow, values: readonly string[], source: string): readonly RouteKey[] {
	const unique = new Set(values.map((value) => value.trim()).filter((value) => value !== ""));
	const bearer = provider.bearerKeyEnv.includes(source);
	return [...unique].map((value) => {
		// A key goes into a header, which takes visible ASCII only.
		if (!/^[\x21-\x7e]+$/.test(value))
			throw new ConfigError(
				`the ${provider.label} key (${source}) contains characters that a key cannot have`,
				{
					hint: "copy it again, without quotes, spaces or line breaks",
				},
			);
		return { value, source, bearer };
	});
}
