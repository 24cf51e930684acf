import { readFileSync } from "node:fs";
import { ConfigError } from "../errors.ts";
import type { HttpOptions } from "../http/http.ts";
import { proxyFor, proxySettings, shownProxy } from "../http/proxy.ts";
import type { Environment } from "../types.ts";
import type { ModelRoute } from "./router.ts";

/**
 * How the servers of a route are reached: its protocol, the proxy of the environment, certificates of one's own
 * (SSL_CERT_FILE, as OpenSSL and curl have it; NODE_EXTRA_CA_CERTS is Node's), and the provider's headers.
 * @throws ConfigError when the certificates cannot be read, or a header names a variable that is not set
 */
export function networkOf(
	{ provider, servers, baseUrl }: ModelRoute,
	env: Environment,
	more: Headers = {},
): HttpOptions {
	const http2 = provider.http2;
	// The simulator is a server of this very process.
	if (baseUrl === "") return { http2 };
	const file = env.SSL_CERT_FILE;
	const values = headersOf({ ...provider.headers, ...more }, env);
	const origins = servers.map((server) => new URL(server.baseUrl).origin);
	return {
		http2,
		proxy: proxySettings(env),
		...(file && { caCertificates: [readCertificates(file)] }),
		...(Object.keys(values).length > 0 && { headers: { origins, values } }),
	};
}

/**
 * The proxy by which an address is reached, without its password; null where NO_PROXY exempts it, undefined where the
 * environment names none.
 */
export function proxyTo(baseUrl: string, env: Environment): string | null | undefined {
	const settings = proxySettings(env);
	if (settings === undefined || baseUrl === "") return undefined;
	const proxy = proxyFor(new URL(baseUrl), settings);
	return proxy === undefined ? null : shownProxy(proxy);
}

type Headers = Readonly<Record<string, string>>;

function readCertificates(file: string): string {
	try {
		return readFileSync(file, "utf8");
	} catch (error) {
		const { code = "" } = error as NodeJS.ErrnoException;
		throw new ConfigError(`cannot read the certificates of SSL_CERT_FILE (${file}): ${code}`, {
			cause: error,
		});
	}
}

/** The headers with variables (`$NAME`, `${NAME}`) in place of their names. */
function headersOf(headers: Headers, env: Environment): Headers {
	return Object.fromEntries(
		Object.entries(headers).map(([name, text]) => {
			const value = text.replace(/\$(?:\{(\w+)\}|(\w+))/g, (_, braced?: string, bare?: string) => {
				const variable = braced ?? bare ?? "";
				const found = env[variable];
				if (!found) throw new ConfigError(`the header ${name} needs ${variable}, which is not set`);
				return found;
			});
			// RFC 9110, 5.5
			if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name) || !/^[\t\x20-\x7e\x80-\xff]*$/.test(value))
				throw new ConfigError(
					`the header ${name.slice(0, 60)} contains a character that a header cannot have`,
				);
			return [name, value];
		}),
	);
}
