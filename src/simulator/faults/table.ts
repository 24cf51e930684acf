import { bodyFaults } from "./body.ts";
import { connectionFaults } from "./connection.ts";
import { contentFaults } from "./content.ts";
import { endingFaults } from "./endings.ts";
import type { Fault } from "./fault.ts";
import { finishFaults } from "./finishes.ts";
import { gatewayFaults } from "./gateways.ts";
import { heartbeatFaults } from "./heartbeats.ts";
import { responsesFaults } from "./responses.ts";
import { shapeFaults } from "./shapes.ts";
import { spellingFaults } from "./spelling.ts";
import { statusFault, statusFaults } from "./status.ts";
import { streamFaults } from "./stream.ts";
import { toolFaults } from "./tools.ts";
import { usageFaults } from "./usage.ts";

/** Every fault of the failure table in docs/simulator.md. */
export const faults: readonly Fault[] = [
	...connectionFaults,
	...statusFaults,
	...bodyFaults,
	...streamFaults,
	...endingFaults,
	...spellingFaults,
	...heartbeatFaults,
	...gatewayFaults,
	...contentFaults,
	...finishFaults,
	...responsesFaults,
	...shapeFaults,
	...toolFaults,
	...usageFaults,
];

const byName = new Map(faults.map((fault) => [fault.name, fault]));

/** A fault by name; any HTTP error status from 400 to 599 is one. */
export function findFault(name: string): Fault | undefined {
	return byName.get(name) ?? (/^[45]\d\d$/.test(name) ? statusFault(Number(name)) : undefined);
}
