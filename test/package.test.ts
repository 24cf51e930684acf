import { spawnSync } from "node:child_process";
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

/** A project that has llmx installed and nothing else. */
let project: string;
beforeAll(() => {
	project = mkdtempSync(join(tmpdir(), "llmx-project-"));
	mkdirSync(join(project, "node_modules"));
	symlinkSync(root, join(project, "node_modules", "llmx"));
	writeFileSync(join(project, "package.json"), '{ "type": "module" }');
});
afterAll(() => rmSync(project, { recursive: true, force: true }));

describe("the package's types", () => {
	it("name no other package", () => {
		const files = globSync("dist/types/**/*.d.ts", { cwd: root });
		expect(files.length).toBeGreaterThan(10);
		const foreign = files.flatMap((file) => {
			const text = readFileSync(join(root, file), "utf8");
			const specifiers = text.matchAll(/(?:\bfrom|\bimport\(|^import)\s*"([^"]+)"/gm);
			return [...specifiers]
				.map(([, name]) => name)
				.filter((name) => !name?.startsWith("./") && !name?.startsWith("../"));
		});
		expect(foreign).toEqual([]);
	});

	it("are whole where nothing else is installed, not even Node's own types", () => {
		writeFileSync(
			join(project, "use.ts"),
			`import { attachmentPart, Conversation, LLM, multiChat, PartialFailureError, type Result } from "llmx";
			await using llm = new LLM("sim/echo", { maxRetries: 2 });
			const text: string = await llm.chat([{ role: "user", content: "hello" }]);
			const result: Result = await llm.ask(text, { temperature: 0, signal: AbortSignal.timeout(1000) });
			const cost: number | null = result.costUsd;
			for await (const part of llm.stream("x")) if (part.type === "finish") part.usage?.inputTokens;
			for await (const outcome of llm.generateEach(["a"])) if (!outcome.ok) outcome.error.exitCode;
			for await (const part of new Conversation(llm).send([attachmentPart("a", new Uint8Array())])) part.type;
			const answers: Record<string, string> = await multiChat(["sim/echo"], "x");
			export { answers, cost, PartialFailureError };`,
		);
		const compilerOptions = {
			target: "es2023",
			module: "nodenext",
			lib: ["es2023", "esnext.disposable", "dom"],
			types: [],
			strict: true,
			noEmit: true,
			skipLibCheck: false,
		};
		writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["use.ts"] }));
		const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
		const { status, stdout } = spawnSync(process.execPath, [tsc, "-p", project], { encoding: "utf8" });
		expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
	});
});
