/**
 * Makes the pictures of the chat in `docs/pictures`: the built program in a terminal (tmux, which must be installed),
 * talking to a server that knows its answers, and what is on the screen then as SVG. `npm run pictures`
 */

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dark, light, pictureOf, type Theme } from "./svg.ts";

const root = join(import.meta.dirname, "../..");
const program = `${process.execPath} ${join(root, "bin/llmx.js")} chat gpt-4.1-mini`;
const folder = mkdtempSync(join(tmpdir(), "llmx-pictures-"));
/** How long the program may take to show something, in ms. */
const patience = 30_000;

/** Every question has the answer whose key it begins with. */
const answers: Readonly<Record<string, string>> = {
	"why is the sky blue?": `**Rayleigh scattering.** Air scatters short wavelengths far more than long ones: the strength grows with $1/\\lambda^4$, so blue light (450 nm) is scattered about *four times* as much as red light (650 nm).

| colour | wavelength | scattered |
|---|--:|--:|
| violet | 400 nm | 7.0 x |
| blue | 450 nm | 4.4 x |
| red | 650 nm | 1.0 x |
`,
	"and in Python?": `\`\`\`python
def scattering(nm: float, reference: float = 650) -> float:
    """How much more light of this wavelength is scattered."""
    return (reference / nm) ** 4  # Rayleigh
\`\`\`

> [!NOTE]
> Holds for particles much smaller than the wavelength.
`,
};

function answerTo(body: string): string {
	const { messages } = JSON.parse(body) as { messages: readonly { readonly content: unknown }[] };
	const question = String(messages.at(-1)?.content);
	return answers[question] ?? "Ask again.";
}

/** Speaks like OpenAI, at a pace at which one can read along. */
const server = createServer(async (request, response) => {
	let body = "";
	for await (const chunk of request) body += String(chunk);
	response.writeHead(200, { "content-type": "text/event-stream" });
	const send = (data: object) => response.write(`data: ${JSON.stringify(data)}\n\n`);
	const head = { id: "a", object: "chat.completion.chunk", created: 0, model: "gpt-4.1-mini" };
	const text = answerTo(body);
	for (const content of text.match(/.{1,12}/gs) ?? []) {
		send({ ...head, choices: [{ index: 0, delta: { content }, finish_reason: null }] });
		await new Promise((resolve) => setTimeout(resolve, 25));
	}
	send({ ...head, choices: [{ index: 0, delta: {}, finish_reason: "stop" }] });
	const usage = {
		prompt_tokens: Math.round(body.length / 4),
		completion_tokens: Math.round(text.length / 4),
	};
	send({ ...head, choices: [], usage: { ...usage, total_tokens: 0 } });
	response.end("data: [DONE]\n\n");
});

let scene = 0;

/** Every scene has a terminal of its own. */
function tmux(...args: readonly string[]): string {
	const socket = join(folder, `tmux-${scene}`);
	const { status, stdout, stderr, error } = spawnSync("tmux", ["-S", socket, "-f", "/dev/null", ...args], {
		encoding: "utf8",
	});
	if (status !== 0) throw new Error(`tmux ${args[0]}: ${error?.message ?? stderr}`);
	return stdout;
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function until(text: RegExp): Promise<void> {
	const deadline = performance.now() + patience;
	while (!text.test(tmux("capture-pane", "-p", "-S", "-100"))) {
		if (performance.now() > deadline) throw new Error(`never saw ${text}:\n${tmux("capture-pane", "-p")}`);
		await wait(50);
	}
}

interface Scene {
	readonly name: string;
	readonly columns: number;
	readonly rows: number;
	readonly theme: Theme;
	play(): Promise<void>;
}

async function ask(question: string, sends = true): Promise<void> {
	tmux("send-keys", "-l", question);
	await wait(200);
	if (sends) tmux("send-keys", "Enter");
}

async function askBoth(): Promise<void> {
	await ask("why is the sky blue?");
	await until(/ in · \d+ out/);
	await ask("and in Python?");
	await until(/Python\?[\s\S]* in · \d+ out/);
	await ask("and at sunset?", false);
}

const scenes: readonly Scene[] = [
	{ name: "chat-dark", columns: 92, rows: 34, theme: dark, play: askBoth },
	{ name: "chat-light", columns: 92, rows: 34, theme: light, play: askBoth },
	{
		name: "chat-narrow",
		...{ columns: 40, rows: 26, theme: dark },
		async play() {
			await ask("why is the sky blue?");
			await until(/ in · \d+ out/);
		},
	},
	{
		name: "chat-models",
		...{ columns: 120, rows: 20, theme: light },
		async play() {
			await ask("why is the sky blue?");
			await until(/ in · \d+ out/);
			await ask("/model");
			await until(/type to filter/);
			await ask("haiku", false);
			await wait(500);
		},
	},
];

async function draw({ name, columns, rows, theme, play }: Scene, url: string): Promise<void> {
	const home = mkdtempSync(join(folder, "home-"));
	const env = {
		...{
			LLMX_HOME: home,
			OPENAI_BASE_URL: `${url}/v1`,
			OPENAI_API_KEY: "sk-picture",
			TERM: "xterm-256color",
		},
		...{ LANG: "C.UTF-8", ANTHROPIC_API_KEY: "sk-picture" },
	};
	const variables = Object.entries(env).map(([key, value]) => `${key}=${value}`);
	const size = ["-x", String(columns), "-y", String(rows)];
	tmux("new-session", "-d", ...size, "-c", home, `env ${variables.join(" ")} ${program}`);
	try {
		tmux("set", "-g", "status", "off");
		tmux("resize-window", ...size);
		await until(/╰/);
		await play();
		await wait(300);
		const lines = tmux("capture-pane", "-e", "-p").replace(/\n+$/, "").split("\n");
		const file = join(root, "docs/pictures", `${name}.svg`);
		writeFileSync(file, pictureOf(lines, columns, theme));
		console.log(file);
	} finally {
		tmux("kill-server");
		scene += 1;
	}
}

await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
try {
	const { port } = server.address() as AddressInfo;
	for (const scene of scenes) await draw(scene, `http://127.0.0.1:${port}`);
} finally {
	server.close();
	rmSync(folder, { recursive: true, force: true });
}
