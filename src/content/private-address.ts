import { lookup } from "node:dns/promises";
import { BlockList, isIP } from "node:net";

/** Addresses that only this machine, its network or its cloud provider's metadata service answers at (RFC 6890). */
const privateAddresses = new BlockList();
for (const [network, prefix] of [
	["0.0.0.0", 8],
	["10.0.0.0", 8],
	["100.64.0.0", 10],
	["127.0.0.0", 8],
	["169.254.0.0", 16],
	["172.16.0.0", 12],
	["192.0.0.0", 24],
	["192.168.0.0", 16],
] as const)
	privateAddresses.addSubnet(network, prefix, "ipv4");
for (const [network, prefix] of [
	["::", 128],
	["::1", 128],
	["fc00::", 7],
	["fe80::", 10],
] as const)
	privateAddresses.addSubnet(network, prefix, "ipv6");

/** Finds the addresses of a host name; the system's own way unless given. */
export type Resolve = (host: string) => Promise<readonly string[]>;

const systemResolve: Resolve = async (host) =>
	(await lookup(host, { all: true })).map(({ address }) => address);

/**
 * Whether a host is one of this machine or its private networks, by any of its addresses. A name that leads nowhere is
 * none: whoever connects to it finds out.
 */
export async function isPrivateHost(hostname: string, resolve: Resolve = systemResolve): Promise<boolean> {
	const host = hostname.replace(/^\[|\]$/g, "");
	const addresses = isIP(host) ? [host] : await resolve(host).catch(() => []);
	return addresses.some((address) => privateAddresses.check(address, isIP(address) === 6 ? "ipv6" : "ipv4"));
}
