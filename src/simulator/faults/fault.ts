import type { Call } from "../call.ts";
import type { WireName } from "../request.ts";

/** One thing that can go wrong, as the simulator plays it. */
export interface Fault {
	readonly name: string;
	/** Row of the failure table in docs/simulator.md. */
	readonly row: string;
	readonly does: string;
	/** Only possible in a stream, or only in a plain answer; both when absent. */
	readonly on?: "stream" | "plain";
	/** Only these wires know it; all when absent. */
	readonly wires?: readonly WireName[];
	/** What `=VALUE` means, when it means something. */
	readonly value?: string;
	play(call: Call, value: string | undefined): void | Promise<void>;
}

/** Whether errors come in OpenAI's form. */
export function speaksOpenAi({ request: { wire } }: Call): boolean {
	return wire === "openai" || wire === "responses";
}
