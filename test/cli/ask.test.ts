import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";
import { startSimulator } from "../../src/simulator/server.ts";
import { golden } from "../helpers/golden.ts";

const transcript = (name: string) => fileURLToPath(new URL(`../golden/${name}.txt`, import.meta.url));

/** Stands in for four providers. */
const simulator = await startSimulator({
	keyFaults: { "sk-spent": "insufficient-quota", "sk-wrong": "401", "sk-busy": "429-retry-after=400" },
});
afterAll(() => simulator.close());
const env = {
	OPENAI_BASE_URL: `${simulator.url}/v1`,
	SAMBANOVA_BASE_URL: `${simulator.url}/v1`,
	GEMINI_BASE_URL: simulator.url,
	ANTHROPIC_BASE_URL: simulator.url,
	SAMBANOVA_API_KEY: "sk-sambanova",
	GEMINI_API_KEY: "sk-gemini",
	ANTHROPIC_API_KEY: "sk-anthropic",
};

/** What depends on the clock, the machine or the port. */
const normalize = (text: string) =>
	text
		.replace(/127\.0\.0\.1:\d{4,}/g, "SIMULATOR")
		.replace(/(?<=(?:\$[\d.]+|cost unknown) · )\d[\d.]* m?s( · [\d,]+ tok\/s)?/g, "TIME · SPEED")
		.replace(/"latency_ms":\d+/g, '"latency_ms":N')
		.replace(/\b20\d\d-\d\d-\d\d\b/g, "DAY")
		.replace(/trying again in \d+\.\d s/g, "trying again in N s");

for (const name of ["ask", "ask-errors", "ask-schema", "ask-sessions", "ask-terminal"]) {
	golden(transcript(name), { env, normalize });
}
