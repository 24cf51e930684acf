import type { JobDialectName } from "../../providers/provider-row.ts";
import type { JobDialect } from "../contract.ts";
import { anthropicJobs } from "./anthropic.ts";
import { fireworksJobs } from "./fireworks.ts";
import { geminiJobs } from "./gemini.ts";
import { mistralJobs } from "./mistral.ts";
import { openAiJobs } from "./openai.ts";
import { openRouterJobs } from "./openrouter.ts";
import { togetherJobs } from "./together.ts";
import { xaiJobs } from "./xai.ts";

/** The names by which a provider's row, or a config, says which batch API it has. */
export const jobDialects = {
	openai: openAiJobs(),
	"openai-responses": openAiJobs({ endpoint: "/v1/responses" }),
	groq: openAiJobs({ limits: { rows: 50_000, bytes: 90_000_000 }, retention: null }),
	anthropic: anthropicJobs,
	gemini: geminiJobs,
	xai: xaiJobs,
	openrouter: openRouterJobs,
	together: togetherJobs,
	mistral: mistralJobs,
	fireworks: fireworksJobs,
} as const satisfies Record<JobDialectName, JobDialect>;
