import { describe, expect, it } from "vitest";
import { UnsupportedError } from "../../src/errors.ts";
import type { ProviderRow } from "../../src/providers/provider-row.ts";
import { providers } from "../../src/providers/registry.ts";
import { type Option, options, type ProviderRequests, refused, requests } from "../fixtures/requests.ts";
import { json, rig, scriptedServer } from "./scripted-server.ts";

const refusal = json({ error: { message: "enough seen", type: "invalid_request_error" } }, 400);

/** The body that goes over the wire; `refused` when nothing does. */
async function captured(id: keyof typeof requests, option: Option | undefined, isStream = false) {
	const provider: ProviderRow = providers[id];
	const server = await scriptedServer(refusal, refusal);
	const { complete, stream } = await rig(
		provider.wire === "openai" ? `${server.url}/v1` : server.url,
		provider,
	);
	const call = {
		modelId: requests[id].model,
		messages: [{ role: "user", content: "hi" }] as const,
		...(option && options[option]),
	};
	const error = await (isStream ? stream(call) : complete(call)).catch((thrown: unknown) => thrown);
	if (error instanceof UnsupportedError) {
		expect(server.received).toEqual([]);
		return refused;
	}
	expect(server.received).toHaveLength(1);
	return server.received[0]?.body as Record<string, unknown>;
}

/** Fields over a plain body; what Gemini takes stands one level deeper. */
function withFields({ plain }: ProviderRequests, fields: Readonly<Record<string, unknown>>) {
	const config = { ...(plain.generationConfig as object), ...(fields.generationConfig as object) };
	return { ...plain, ...fields, ...(plain.generationConfig !== undefined && { generationConfig: config }) };
}

describe.each(Object.keys(requests) as (keyof typeof requests)[])("a request to %s", (id) => {
	const expected: ProviderRequests = requests[id];

	it("cites the provider's document, and the day", () => {
		expect(new URL(expected.document).protocol).toBe("https:");
		expect(expected.date).toMatch(/^2026-\d\d-\d\d$/);
	});

	it("holds nothing that nobody asked for", async () => {
		expect(await captured(id, undefined)).toEqual(expected.plain);
	});

	it.each(Object.keys(options) as Option[])("says %s as its document has it", async (option) => {
		const fields = expected.table[option];
		const body = await captured(id, option);
		expect(body).toEqual(
			fields === refused ? refused : withFields(expected, fields as Record<string, unknown>),
		);
	});

	it("asks for a stream, and for its usage where that has to be asked for", async () => {
		const body = (await captured(id, undefined, true)) as Record<string, unknown>;
		const streamed: Record<string, unknown> = { ...expected.plain };
		if (providers[id].wire !== "gemini") streamed.stream = true;
		if (providers[id].wire === "openai" && id !== "mistral")
			streamed.stream_options = { include_usage: true };
		expect(body).toEqual(streamed);
	});
});
