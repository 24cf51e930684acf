/** Where requests go through a proxy, as curl has it: https://curl.se/docs/manpage.html#ENVIRONMENT */
export interface ProxySettings {
	/** The proxy of http and of https addresses. */
	readonly http: string | undefined;
	readonly https: string | undefined;
	/** Hosts that are reached without it. */
	readonly exempt: readonly string[];
}

type Variables = Readonly<Record<string, string | undefined>>;

/** Reads HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY; in lower case they win. Undefined without any proxy. */
export function proxySettings(env: Variables): ProxySettings | undefined {
	const read = (name: string) => env[name.toLowerCase()] || env[name] || undefined;
	const all = read("ALL_PROXY");
	const http = addressOf(read("HTTP_PROXY") ?? all);
	const https = addressOf(read("HTTPS_PROXY") ?? all);
	if (http === undefined && https === undefined) return undefined;
	return {
		http,
		https,
		exempt: (read("NO_PROXY") ?? "")
			.toLowerCase()
			.split(/[\s,]+/)
			.filter(Boolean),
	};
}

/** The proxy for an address; undefined where there is none. */
export function proxyFor(
	{ protocol, hostname, port }: URL,
	settings: ProxySettings | undefined,
): string | undefined {
	if (settings === undefined) return undefined;
	const host = hostname.replace(/^\[|\]$/g, "").toLowerCase();
	const ownPort = port || (protocol === "https:" ? "443" : "80");
	if (settings.exempt.some((entry) => covers(entry, host, ownPort))) return undefined;
	return protocol === "https:" ? settings.https : settings.http;
}

/** A proxy without its password, for people. */
export function shownProxy(proxy: string): string {
	const { protocol, host } = new URL(proxy);
	return `${protocol}//${host}`;
}

/** An entry of NO_PROXY stands for a host and all below it, for one port when it names one. */
function covers(entry: string, host: string, port: string): boolean {
	if (entry === "*") return true;
	const [, name = entry, only] = /^(.*?|\[.*\]):(\d+)$/.exec(isAddress6(entry) ? "" : entry) ?? [];
	if (only !== undefined && only !== port) return false;
	const domain = name.replace(/^\*?\./, "").replace(/^\[|\]$/g, "");
	return host === domain || host.endsWith(`.${domain}`);
}

function isAddress6(entry: string): boolean {
	return !entry.startsWith("[") && entry.split(":").length > 2;
}

function addressOf(value: string | undefined): string | undefined {
	if (value === undefined) return undefined;
	const address = /^[a-z0-9]+:\/\//i.test(value) ? value : `http://${value}`;
	return URL.canParse(address) ? address : undefined;
}
