import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ProviderRow } from "../../src/providers/provider-row.ts";
import type { Usage } from "../../src/types.ts";
import { finishOf, rig, type Script, scriptedServer } from "../providers/scripted-server.ts";

/** Answers recorded from providers, kept beside the repository where they are at hand. */
export const recordedFolder = join(import.meta.dirname, "../../../shared/recorded");

export interface Recording {
	readonly status: number;
	readonly headers: Readonly<Record<string, string>>;
	readonly sse_text?: string;
	readonly body_text?: string;
	readonly body?: unknown;
}

export function readRecording(id: string): Recording {
	return JSON.parse(readFileSync(join(recordedFolder, `${id}.json`), "utf8")) as Recording;
}

/** The usage that a provider's adapter reads from a recorded answer. */
export async function usageOfRecording(id: string, provider: ProviderRow): Promise<Usage | null> {
	const { status, sse_text: stream, body_text: text, body } = readRecording(id);
	const script: Script = (response) => {
		response.writeHead(status, {
			"content-type": stream === undefined ? "application/json" : "text/event-stream",
		});
		response.end(stream ?? text ?? JSON.stringify(body));
	};
	const server = await scriptedServer(script);
	const { stream: ask } = await rig(server.url, provider);
	return finishOf(await ask()).usage;
}
