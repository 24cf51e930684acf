import type { Fault } from "./fault.ts";
import { statusFault, statusFaults } from "./status.ts";

/** Every fault, in the order of the failure table. */
export const faults: readonly Fault[] = [...statusFaults];

const byName = new Map(faults.map((fault) => [fault.name, fault]));

/** A fault by name; any HTTP error status from 400 to 599 is one. */
export function findFault(name: string): Fault | undefined {
	return byName.get(name) ?? (/^[45]\d\d$/.test(name) ? statusFault(Number(name)) : undefined);
}
