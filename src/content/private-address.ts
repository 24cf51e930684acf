/** Networks that only this machine, its network or its cloud provider's metadata service answers in (RFC 6890). */
const privateNetworks = {
	ipv4: [
		["0.0.0.0", 8],
		["10.0.0.0", 8],
		["100.64.0.0", 10],
		["127.0.0.0", 8],
		["169.254.0.0", 16],
		["172.16.0.0", 12],
		["192.0.0.0", 24],
		["192.168.0.0", 16],
	],
	ipv6: [
		["::", 128],
		["::1", 128],
		["fc00::", 7],
		["fe80::", 10],
	],
} as const;

/** Finds the addresses of a host name; the system's own way unless given. */
export type Resolve = (host: string) => Promise<readonly string[]>;

const systemResolve: Resolve = async (host) =>
	(await process.getBuiltinModule("node:dns/promises").lookup(host, { all: true })).map(
		({ address }) => address,
	);

/**
 * Whether a host is one of this machine or its private networks, by any of its addresses. A name that leads nowhere is
 * none: whoever connects to it finds out.
 */
export async function isPrivateHost(hostname: string, resolve: Resolve = systemResolve): Promise<boolean> {
	// Loaded here: few questions have attachments from an address.
	const { BlockList, isIP } = process.getBuiltinModule("node:net");
	const host = hostname.replace(/^\[|\]$/g, "");
	const addresses = isIP(host) ? [host] : await resolve(host).catch(() => []);
	const blocked = new BlockList();
	for (const family of ["ipv4", "ipv6"] as const)
		for (const [network, prefix] of privateNetworks[family]) blocked.addSubnet(network, prefix, family);
	return addresses.some((address) => blocked.check(address, isIP(address) === 6 ? "ipv6" : "ipv4"));
}
