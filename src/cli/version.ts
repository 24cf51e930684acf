declare const LLMX_VERSION: string | undefined;

/** The package's version; the bundler puts it in. */
export const version = typeof LLMX_VERSION === "string" ? LLMX_VERSION : "0.0.0-source";
