import { describe, it } from "vitest";
import { faults } from "../../src/simulator/faults/table.ts";
import { ask, flagsOf } from "./asking.ts";
import { wires } from "./wires.ts";

describe.each(wires)("llmx ask meets every fault on the %s wire", (wire) => {
	const possible = faults.filter((fault) => fault.wires === undefined || fault.wires.includes(wire));

	// Many wait for a silence to be over. All of them in every way on every wire are in test/soak.
	it.concurrent.each(possible.filter(({ row }) => row !== "21"))("$name", async (fault) => {
		const [usual = [], ...others] = flagsOf(fault);
		await ask(wire, fault, usual);
		if (wire === "openai") for (const flags of others) await ask(wire, fault, flags);
	});

	// Tens of MB are stopped before anything of the wire is read, and cost seconds: one wire shows it.
	if (wire === "openai") {
		it.each(possible.filter(({ row }) => row === "21"))("$name", async (fault) => {
			await ask(wire, fault, flagsOf(fault)[0] ?? []);
		});
	}
});
