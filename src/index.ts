/** The public face of llmx. What is not exported here is internal. */

export { attachmentFromUrl, attachmentPart, type UrlAttachmentOptions } from "./attachments.ts";
export { type CacheStatistics, ResponseCache } from "./cache.ts";
export { Conversation, type ConversationOptions, type Turn } from "./conversation.ts";
export * from "./errors.ts";
export type { Outcome, RunControl, Sending } from "./generate.ts";
export { type ListOptions, type LiveModel, listModels } from "./listing.ts";
export { LLM } from "./llm.ts";
export { multiChat, multiGenerate } from "./multi.ts";
export type {
	AskOptions,
	CacheMode,
	CallOptions,
	ChatInput,
	GenerateOptions,
	GenerateRow,
	LLMOptions,
} from "./options.ts";
export { allPrices, findPrice, type Price, type PriceOptions } from "./pricing.ts";
export { type ResultRow, toResultRow } from "./result-row.ts";
export {
	chooseModel,
	configuredRows,
	type ModelChoice,
	type ProviderRow,
	type Route,
	requireKeys,
	route,
	rows as providerRows,
} from "./router.ts";
export { createSchemaChecker, type SchemaCheck, type SchemaChecker } from "./schema.ts";
export { askForJson } from "./structured.ts";
export type * from "./types.ts";
