// undici exports its whole self or nothing; the Agent alone starts 20 ms sooner, but its files carry no types.
declare module "undici/lib/dispatcher/agent.js" {
	import { Agent } from "undici";
	export default Agent;
}
declare module "undici/lib/dispatcher/pool.js" {
	import { Pool } from "undici";
	export default Pool;
}
declare module "undici/lib/dispatcher/client.js" {
	import { Client } from "undici";
	export default Client;
}
