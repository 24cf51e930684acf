import type { Call } from "../call.ts";
import { pickByRate } from "../models.ts";
import type { Random } from "../random.ts";
import type { SimulatedRequest } from "../request.ts";
import type { Fault } from "./fault.ts";
import { findFault } from "./table.ts";

/** A fault chosen for one request. */
export interface ChosenFault {
	readonly name: string;
	play(call: Call): Promise<void>;
}

/** A fault as written: `NAME`, `NAME=VALUE`, `NAME x2`, `NAME=VALUE x2`. */
interface FaultSpec {
	readonly name: string;
	readonly value: string | undefined;
	/** How many attempts it holds for. */
	readonly times: number;
}

const specPattern = /^([a-z0-9-]+)(?:=(.*?))?(?:\s+x(\d{1,6}))?$/s;
const directivePattern = /\[\[fault:([^\]]{1,2000})\]\]/g;
const modelPrefix = "fault:";
// Enough for any test; a long-running server forgets the oldest prompts instead of growing.
const rememberedPrompts = 100_000;

/** Decides which requests meet which fault: by key, by model name, by directive in the prompt, by rate. */
export class FaultPlan {
	readonly #rates: readonly (readonly [string, number])[];
	readonly #byKey: ReadonlyMap<string, FaultSpec>;
	readonly #random: Random;
	readonly #attempts = new Map<string, number>();

	/** Throws for a fault that does not exist or a rate that is not a share. */
	constructor(
		rates: Readonly<Record<string, number>>,
		keyFaults: Readonly<Record<string, string>>,
		random: Random,
	) {
		for (const [text, rate] of Object.entries(rates)) {
			if (!(rate >= 0 && rate <= 1))
				throw new RangeError(`the rate of fault "${text}" must be between 0 and 1, not ${rate}`);
			known(text);
		}
		this.#rates = Object.entries(rates);
		this.#byKey = new Map(Object.entries(keyFaults).map(([key, text]) => [key, known(text)]));
		this.#random = random;
	}

	/** The wire's answer to a key that is not among the accepted ones. */
	badKey(call: Call): void {
		void findFault("401")?.play(call, undefined);
	}

	choose(request: SimulatedRequest): ChosenFault | undefined {
		const byKey = this.#byKey.get(request.key);
		if (byKey !== undefined) return chosen(byKey, request);
		const asked = this.#asked(request);
		if (asked !== undefined) return chosen(asked, request);
		if (this.#rates.length === 0) return undefined;
		const drawn = pickByRate(this.#rates, this.#random);
		const spec = drawn === undefined ? undefined : parseSpec(drawn);
		const fault = spec === undefined ? undefined : findFault(spec.name);
		// A rate is over all requests; one that cannot meet this fault is answered.
		return spec !== undefined && fault !== undefined && mismatch(fault, request) === undefined
			? chosen(spec, request)
			: undefined;
	}

	/** Directives are used up in their order: `[[fault:503 x2]][[fault:429]]` is 503, 503, then 429 for ever. */
	#asked(request: SimulatedRequest): FaultSpec | undefined {
		const byModel = request.model.startsWith(modelPrefix);
		if (!byModel && !request.prompt.includes("[[fault:")) return undefined;
		const texts = byModel
			? [request.model.slice(modelPrefix.length)]
			: Array.from(request.prompt.matchAll(directivePattern), (match) => match[1] as string);
		let attempt = this.#countAttempt(`${request.model}\0${request.prompt}`);
		for (const text of texts) {
			const spec = parseSpec(text) ?? { name: text, value: undefined, times: Number.POSITIVE_INFINITY };
			if (attempt < spec.times) return spec;
			attempt -= spec.times;
		}
		return undefined;
	}

	#countAttempt(prompt: string): number {
		const attempt = this.#attempts.get(prompt) ?? 0;
		this.#attempts.set(prompt, attempt + 1);
		if (this.#attempts.size > rememberedPrompts)
			this.#attempts.delete(this.#attempts.keys().next().value as string);
		return attempt;
	}
}

function parseSpec(text: string): FaultSpec | undefined {
	const match = specPattern.exec(text.trim());
	if (match === null) return undefined;
	return {
		name: match[1] as string,
		value: match[2],
		times: match[3] === undefined ? Number.POSITIVE_INFINITY : Number(match[3]),
	};
}

function known(text: string): FaultSpec {
	const spec = parseSpec(text);
	if (spec === undefined || findFault(spec.name) === undefined)
		throw new RangeError(`the simulator knows no fault "${text}"`);
	return spec;
}

/** Plays the fault, or says on the wire why it cannot: a fault that was asked for is never passed over silently. */
function chosen(spec: FaultSpec, request: SimulatedRequest): ChosenFault {
	const fault = findFault(spec.name);
	const problem =
		fault === undefined ? `the simulator knows no fault "${spec.name}"` : mismatch(fault, request);
	return {
		name: spec.name,
		async play(call) {
			if (fault === undefined || problem !== undefined) {
				call.send(
					400,
					"application/json",
					call.wire.error(400, { message: problem ?? "", code: "bad_directive" }),
				);
				return;
			}
			await fault.play(call, spec.value);
		},
	};
}

function mismatch(fault: Fault, request: SimulatedRequest): string | undefined {
	if (fault.on !== undefined && (fault.on === "stream") !== request.stream)
		return `the fault "${fault.name}" needs a ${fault.on === "stream" ? "streaming" : "plain"} request`;
	if (fault.wires !== undefined && !fault.wires.includes(request.wire))
		return `the fault "${fault.name}" does not exist on the ${request.wire} wire`;
	return undefined;
}
