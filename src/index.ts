/** The public face of llmx. What is not exported here is internal. */

import { LlmxError } from "./errors.ts";

export type { RequestOutcome, RowOutcome, RunControl } from "./ask/run-control.ts";
export { createSchemaChecker, type SchemaCheck, type SchemaChecker } from "./ask/schema.ts";
export { askForJson } from "./ask/structured.ts";
export type { CacheStatistics } from "./cache/answer.ts";
export { ResponseCache } from "./cache/response-cache.ts";
export { attachmentFromUrl, attachmentPart, type UrlAttachmentOptions } from "./content/attachments.ts";
export { Conversation, type ConversationOptions, type Turn } from "./conversation.ts";
export {
	AbortedError,
	type AbortedErrorOptions,
	CacheMissError,
	ConfigError,
	type ErrorClass,
	type ExitCode,
	exitCodes,
	type FailureAdvice,
	LlmxError,
	type LlmxErrorOptions,
	MissingKeyError,
	NoRouteError,
	PartialFailureError,
	type PartialFailureOptions,
	partialTextOf,
	RequestError,
	type RequestErrorOptions,
	UnsupportedError,
	UsageError,
} from "./errors.ts";
export { NoJobsError, QueueFullError, UnknownOutcomeError } from "./jobs/errors.ts";
export { LLM } from "./llm.ts";
export { type ListOptions, type LiveModel, listModels } from "./models/listing.ts";
export { proxyTo } from "./models/network.ts";
export { allPrices, type Price } from "./models/price-table.ts";
export { findPrice, type PriceOptions } from "./models/pricing.ts";
export {
	chooseModel,
	configuredRows,
	type ModelChoice,
	type ModelRoute,
	type ProviderRow,
	requireKeys,
	route,
	rows as providerRows,
} from "./models/router.ts";
export { multiChat, multiGenerate } from "./multi.ts";
export type {
	AskOptions,
	BatchOptions,
	BatchStatus,
	CacheMode,
	CallOptions,
	ChatInput,
	GenerateOptions,
	GenerateRow,
	LLMOptions,
} from "./options.ts";
export type { Parameters } from "./parameters/table.ts";
export { type ResultRow, toResultRow } from "./state/result-row.ts";
export type * from "./types.ts";

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
// The program says so by itself. Whoever imports the library would meet errors that do not name the reason.
if (major < 22 || (major === 22 && minor < 19)) {
	throw new LlmxError(`llmx needs Node 22.19 or newer, and this is ${process.versions.node}`, {
		hint: "get a newer one from https://nodejs.org",
	});
}
