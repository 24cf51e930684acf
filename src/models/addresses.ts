import { ConfigError, UsageError } from "../errors.ts";
import type { ProviderRow } from "../providers/provider-row.ts";
import { providers as builtIn } from "../providers/registry.ts";
import type { Environment } from "../types.ts";

/** The address of a server, and keys of its own. */
export interface Address {
	/** Without a trailing slash; empty only for the simulator before it is started. */
	readonly baseUrl: string;
	/** The variable with the server's own key, instead of the provider's keys. */
	readonly keyEnv?: string | undefined;
	/** The server's own keys, instead of the provider's. */
	readonly keys?: readonly string[] | undefined;
}

/** A server as a caller names it: its base URL, and keys that only it is sent. */
export type GivenAddress = string | { readonly url: string; readonly keys?: readonly string[] | undefined };

interface AddressOptions {
	readonly env: Environment;
	readonly baseUrl?: string | undefined;
	readonly baseUrls?: readonly GivenAddress[] | undefined;
}

/** Where the provider's servers are, each once, and where that was found. @throws ConfigError for what is not a base URL */
export function addressesOf(
	provider: ProviderRow,
	options: AddressOptions,
): { readonly addresses: readonly Address[]; readonly source: string } {
	const { addresses, source } = given(provider, options);
	const clean = addresses.map((address) => ({
		...address,
		baseUrl: address.baseUrl === "" ? "" : cleanBaseUrl(provider, address.baseUrl, source),
	}));
	const once = new Map(clean.map((address) => [address.baseUrl, address]));
	return { addresses: [...once.values()], source };
}

function given(
	provider: ProviderRow,
	{ env, baseUrl, baseUrls }: AddressOptions,
): { readonly addresses: readonly Address[]; readonly source: string } {
	if (baseUrls !== undefined && baseUrls.length > 0) {
		if (baseUrl) throw new UsageError("baseUrl and baseUrls are both given", { hint: "give one of them" });
		const addresses = baseUrls.map((one) =>
			typeof one === "string" ? { baseUrl: one } : { baseUrl: one.url, keys: one.keys },
		);
		return { addresses, source: "option" };
	}
	if (baseUrl) return { addresses: [{ baseUrl }], source: "option" };
	for (const name of provider.baseUrlEnv) {
		const list = name.endsWith("_BASE_URL") ? addressList(env[`${name}S`]) : [];
		if (list.length > 0) return { addresses: list, source: `${name}S` };
		const value = env[name]?.trim();
		if (!value) continue;
		if (value.includes(","))
			throw new ConfigError(`${name} holds more than one address`, { hint: `set ${name}S instead` });
		return { addresses: [{ baseUrl: value }], source: name };
	}
	const addresses = provider.servers.length > 0 ? provider.servers : [{ baseUrl: provider.baseUrl }];
	return { addresses, source: "default" };
}

function addressList(text = ""): readonly Address[] {
	const addresses = text.split(",").map((address) => address.trim());
	return addresses.filter((address) => address !== "").map((baseUrl) => ({ baseUrl }));
}

/** What people are told of a server: its host, and its path where another one has the same host. */
export function nameOf(baseUrl: string, all: readonly Address[]): string {
	if (baseUrl === "") return "";
	const { host, pathname } = new URL(baseUrl);
	const twins = all.filter((other) => other.baseUrl !== "" && hostOf(other.baseUrl) === host);
	return twins.length > 1 ? host + pathname : host;
}

/**
 * The key of a provider that is reached over the internet belongs to it: of several servers it goes to those that
 * have the origin of the first.
 * @throws ConfigError for another server without a key of its own
 */
export function refuseForeign(provider: ProviderRow, baseUrl: string, all: readonly Address[]): void {
	const known = Object.values<ProviderRow>(builtIn).find(({ id }) => id === provider.id);
	if (!known?.baseUrl.startsWith("https:")) return;
	const { origin } = new URL(baseUrl);
	if (origin === new URL(all[0]?.baseUrl ?? "").origin) return;
	throw new ConfigError(`refusing to send the ${provider.label} key to a second host, ${hostOf(baseUrl)}`, {
		hint: `give that server a key of its own in the config: "base_urls": [{ "url": "${origin}", "key_env": "NAME" }]`,
	});
}

/** Checks a base URL and gives it its usual form: no trailing slash, and no version where the SDK adds it. */
function cleanBaseUrl(provider: ProviderRow, value: string, source: string): string {
	const text = source === "OLLAMA_HOST" ? ollamaUrl(value) : value;
	const where = source === "option" || source === "default" ? `the base URL of ${provider.label}` : source;
	const url = URL.canParse(text) ? new URL(text) : undefined;
	if (url === undefined || (url.protocol !== "https:" && url.protocol !== "http:")) {
		throw new ConfigError(`${where} is not an http(s) URL: "${value.slice(0, 200)}"`, {
			hint: "it should look like https://host/v1",
		});
	}
	if (url.username !== "" || url.password !== "")
		throw new ConfigError(`${where} must not contain a user name or password`);
	if (url.search !== "" || url.hash !== "")
		throw new ConfigError(`${where} must not contain a query or a fragment: "${url.origin}${url.pathname}"`);
	// Some tools want the whole address of the endpoint: https://github.com/EleutherAI/lm-evaluation-harness/issues/1174
	let path = url.pathname.replace(/\/+$/, "").replace(/\/(?:chat\/completions|responses|v1\/messages)$/, "");
	if (provider.wire === "gemini" || provider.wire === "anthropic")
		path = path.replace(/\/v1(?:beta(?:\/openai)?)?$/, "");
	if (provider.id === "ollama" && path === "") path = "/v1";
	return url.origin + path;
}

/** OLLAMA_HOST as Ollama reads it: the scheme, the port and even the host may be missing. */
function ollamaUrl(value: string): string {
	if (/^https?:\/\//.test(value)) return value.replace("://0.0.0.0", "://127.0.0.1");
	const [host = "", ...path] = value.split("/");
	const named = host.startsWith(":") ? `127.0.0.1${host}` : host.replace(/^0\.0\.0\.0(?=:|$)/, "127.0.0.1");
	const withPort = /:\d+$/.test(named) ? named : `${named}:11434`;
	return `http://${[withPort, ...path].join("/")}`;
}

/** Whether what is sent there can be read on the way. */
export function isPlainHttpBeyondLoopback(baseUrl: string): boolean {
	if (!baseUrl.startsWith("http:")) return false;
	const host = new URL(baseUrl).hostname;
	const loopback =
		host === "localhost" || host.endsWith(".localhost") || host === "[::1]" || /^127(?:\.\d+){3}$/.test(host);
	return !loopback;
}

export function hostOf(baseUrl: string): string {
	return new URL(baseUrl).host;
}
