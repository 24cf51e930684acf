import { describe, expect, it } from "vitest";
import { isPrivateHost } from "../../src/content/private-address.ts";

const names: Readonly<Record<string, readonly string[]>> = {
	"public.example": ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"],
	"both.example": ["93.184.215.14", "10.0.0.1"],
	"metadata.example": ["169.254.169.254"],
};
const resolve = async (host: string) => names[host] ?? Promise.reject(new Error("ENOTFOUND"));

describe("a host in a private network", () => {
	it.each([
		"127.0.0.1",
		"127.1.2.3",
		"10.1.1.1",
		"172.16.0.1",
		"172.31.255.255",
		"192.168.1.1",
		"169.254.169.254",
		"100.64.0.1",
		"0.0.0.0",
		"[::1]",
		"[::]",
		"[fe80::1]",
		"[fd12::1]",
		"[::ffff:127.0.0.1]",
		"[::ffff:10.0.0.1]",
		"both.example",
		"metadata.example",
	])("is %s", async (host) => expect(await isPrivateHost(host, resolve)).toBe(true));

	it.each([
		"8.8.8.8",
		"172.32.0.1",
		"[2606:2800::1]",
		"[::ffff:8.8.8.8]",
		"public.example",
		"nowhere.example",
	])("is not %s", async (host) => expect(await isPrivateHost(host, resolve)).toBe(false));
});
