import type { Keys } from "../../src/schedule/keys.ts";
import { Servers } from "../../src/schedule/servers.ts";

/** The only server of a model, with these keys. */
export function oneServer(keys: Keys, now: () => number): Servers {
	return new Servers([{ name: "the server", keys }], now);
}
