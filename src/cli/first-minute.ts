import { loadSettings } from "../models/settings.ts";
import { storeKey } from "../state/keys.ts";
import { resolvePaths } from "../state/paths.ts";
import type { Io } from "./io.ts";
import { wrapForStderr, writeMessage } from "./message.ts";
import { providerStates } from "./provider-state.ts";
import { readSecret } from "./secret.ts";

/** Keys tell by their beginning whose they are; the longest beginning that fits counts. */
const beginnings: readonly (readonly [string, string])[] = [
	["sk-ant-", "anthropic"],
	["sk-or-", "openrouter"],
	["AIza", "gemini"],
	["gsk_", "groq"],
	["xai-", "xai"],
	["pplx-", "perplexity"],
	["csk-", "cerebras"],
	["hf_", "huggingface"],
	["nvapi-", "nvidia_nim"],
	["fw_", "fireworks_ai"],
	["tgp_", "together_ai"],
	["sk-", "openai"],
];

const ollamaUrl = "http://127.0.0.1:11434";
/** A server on this machine answers soon, and where there is none that is known at once; in ms. */
const localPatience = 2_000;

/** The provider that a key is most likely of; undefined when its beginning says nothing. */
export function providerOfKey(key: string): string | undefined {
	return beginnings.find(([start]) => key.startsWith(start))?.[1];
}

/** Nobody has set anything up: no provider that charges can be used, and no model is chosen. */
export function isFirstMinute(io: Io): boolean {
	if (io.terminal === undefined || io.stdin.isTTY !== true || !io.stdout.isTTY || io.env.LLMX_MODEL)
		return false;
	return providerStates(loadSettings(io.env)).every(({ keys }) => keys.length === 0);
}

/**
 * Three ways to begin. Returns the command line to go on with; undefined when none was chosen.
 * @throws what reading and storing a key throws
 */
export async function beginFirstMinute(io: Io): Promise<readonly string[] | undefined> {
	const local = await findOllama();
	const found =
		local.length === 0
			? "not found at :11434"
			: `Ollama, ${local.length === 1 ? "1 model" : `${local.length} models`}`;
	const menu = `Welcome to llmx. How would you like to start?

  1  paste an API key (OpenAI, Anthropic, Gemini and others, told by how it begins)
  2  use a local server (${found})
  3  try it offline with a simulated model

`;
	io.stderr.write(await wrapForStderr(io, menu));
	for (;;) {
		const choice = await readLine(io, "1, 2 or 3: ");
		const begun = await takeChoice(io, choice?.trim() ?? "");
		// What did not work out is said; another way may.
		if (begun !== "again" || choice === undefined) return begun === "again" ? undefined : begun;
	}
}

async function takeChoice(io: Io, choice: string): Promise<readonly string[] | "again" | undefined> {
	switch (choice) {
		case "1":
			return (await storeFirstKey(io)) ?? "again";
		case "2": {
			// It may have been started meanwhile.
			const [model] = await findOllama();
			if (model !== undefined) return ["chat", `ollama/${model}`];
			await writeMessage(
				io,
				"no local server answers",
				"start Ollama and choose 2 again, or set LOCAL_BASE_URL and run: llmx chat local/MODEL",
			);
			return "again";
		}
		case "3":
			return ["chat", "sim/echo"];
		case "":
			return undefined;
		default:
			return "again";
	}
}

async function storeFirstKey(io: Io): Promise<readonly string[] | undefined> {
	const key = (await readSecret(io, "key (it is not shown): ")).trim();
	if (key === "") return undefined;
	const provider = providerOfKey(key);
	if (provider === undefined) {
		await writeMessage(
			io,
			"cannot tell which provider this key is for",
			"store it with: llmx keys set PROVIDER",
		);
		return undefined;
	}
	const { keys } = resolvePaths(io.env);
	storeKey(keys, provider, key);
	await writeMessage(io, `stored the key for ${provider} in ${keys}`);
	return ["chat"];
}

/** Undefined when the input has ended. */
function readLine(io: Io, prompt: string): Promise<string | undefined> {
	io.stderr.write(prompt);
	return new Promise((resolve) => {
		let typed = "";
		const stop = (line: string | undefined) => {
			io.stdin.off("data", onData);
			io.stdin.off("end", end);
			io.stdin.pause();
			resolve(line);
		};
		const end = () => stop(typed === "" ? undefined : typed);
		const onData = (chunk: Buffer | string) => {
			typed += String(chunk);
			if (/[\r\n]/.test(typed)) stop(typed);
		};
		io.stdin.on("data", onData);
		io.stdin.on("end", end);
		io.stdin.resume();
	});
}

/** The models that Ollama has on this machine; empty when it does not run. */
async function findOllama(): Promise<string[]> {
	try {
		const response = await fetch(`${ollamaUrl}/api/tags`, { signal: AbortSignal.timeout(localPatience) });
		const body = (await response.json()) as { models?: readonly { name?: unknown }[] };
		return (body.models ?? []).flatMap(({ name }) => (typeof name === "string" ? [name] : []));
	} catch {
		// It does not run, or something else does there.
		return [];
	}
}
