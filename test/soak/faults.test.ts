import { describe, it } from "vitest";
import { faults } from "../../src/simulator/faults/table.ts";
import { ask, flagsOf } from "../faults/asking.ts";
import { wires } from "../faults/wires.ts";

describe.each(wires)("llmx ask meets every fault in every way on the %s wire", (wire) => {
	const possible = faults.filter((fault) => fault.wires === undefined || fault.wires.includes(wire));

	it.each(possible)("$name", async (fault) => {
		for (const flags of flagsOf(fault)) await ask(wire, fault, flags);
	});
});
