import { canonicalJson, sharedJson } from "../cache/key.ts";
import { shortHash } from "../prompts/hash.ts";
import type { BatchRow } from "../prompts/row-builder.ts";

/**
 * Names a row's request as the user gave it: messages with system text and template applied, attachments' content,
 * parameters and schema, number of answers; not the model, which a record holds itself. A row whose hash changed is
 * sent again.
 */
export function requestHash({ messages, parameters, n }: BatchRow): string {
	const shared = Object.isFrozen(parameters) ? sharedJson(parameters) : canonicalJson(parameters);
	return shortHash(`{"messages":${canonicalJson(messages)},"n":${n},"parameters":${shared}}`);
}
