import type { WireName } from "../../src/simulator/request.ts";

/** The wires that a fault is met on. */
export const wires: readonly WireName[] = ["openai", "responses", "gemini", "anthropic"];
