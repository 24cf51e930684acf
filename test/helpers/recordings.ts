import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ProviderRow } from "../../src/providers/provider-row.ts";
import type { AnswerFixture, Expected, ExpectedFailure } from "../fixtures/answers/fixture.ts";
import { describeWith } from "./skipping.ts";

/** Material kept beside the repository on some machines. What it shows is in test/fixtures too, in words of ours. */
export const besideFolder = join(import.meta.dirname, "../../../shared");

export const describeWithMaterial = describeWith(
	existsSync(besideFolder),
	"real answers, prices and prompts are not beside this repository; test/fixtures has the same shapes",
);

const recordedFolder = join(besideFolder, "recorded");

interface Recording {
	readonly status: number;
	readonly headers: Readonly<Record<string, string>>;
	readonly sse_text?: string;
	readonly body_text?: string;
	readonly body?: unknown;
}

/** What the material says of each recorded answer. */
export interface RecordingNote {
	readonly id: string;
	readonly api: string;
	readonly status: number;
	readonly provider: string;
}

export function readIndex(): RecordingNote[] {
	const lines = readFileSync(join(recordedFolder, "index.jsonl"), "utf8").trim().split("\n");
	return lines.map((line) => JSON.parse(line) as RecordingNote);
}

export function recordedText(id: string): string {
	return readFileSync(join(recordedFolder, `${id}.json`), "utf8");
}

/** A recorded answer in the form of a fixture. */
export function recordedAnswer(
	id: string,
	provider: ProviderRow,
	expected: Expected | ExpectedFailure,
): AnswerFixture {
	const {
		status,
		headers,
		sse_text: stream,
		body_text: text,
		body,
	} = JSON.parse(recordedText(id)) as Recording;
	const answer = { provider, status, headers, expected };
	if (stream !== undefined) return { ...answer, events: [stream] };
	return text === undefined ? { ...answer, body } : { ...answer, text };
}
