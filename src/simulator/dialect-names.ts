/**
 * The ways in which providers tell their limits: the headers on every answer, and the body and hint of a 429. They stand
 * apart from the simulator, which is loaded only when it runs.
 */
export const dialects = [
	"openai",
	"azure",
	"anthropic",
	"gemini",
	"sambanova",
	"groq",
	"together",
	"mistral",
	"openrouter",
	"none",
] as const;

/** How a provider tells its limits. */
export type Dialect = (typeof dialects)[number];
