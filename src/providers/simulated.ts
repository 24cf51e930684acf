import type { Simulator } from "../simulator/server.ts";

let running: Promise<Simulator> | undefined;

/**
 * The base URL of this process's own simulator, which `sim/…` models talk to over a real socket. It is started on
 * first use and does not keep the process alive.
 */
export async function simulatedBaseUrl(): Promise<string> {
	running ??= import("../simulator/server.ts").then(({ startSimulator }) => startSimulator({ unref: true }));
	return `${(await running).url}/v1`;
}
