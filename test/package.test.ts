import { spawnSync } from "node:child_process";
import {
	copyFileSync,
	globSync,
	mkdirSync,
	mkdtempSync,
	readFileSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
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

describe("the package", () => {
	it("gives these values", async () => {
		const module = await import(pathToFileURL(join(root, "dist/index.js")).href);
		expect(Object.keys(module).sort()).toEqual(
			[
				...["AbortedError", "CacheMissError", "ConfigError", "LlmxError", "MissingKeyError", "NoRouteError"],
				...["PartialFailureError", "RequestError", "UnsupportedError", "UsageError"],
				...["NoJobsError", "QueueFullError", "UnknownOutcomeError"],
				...["exitCodes", "partialTextOf"],
				...["Conversation", "LLM", "multiChat", "multiGenerate"],
				...["askForJson", "createSchemaChecker"],
				...["attachmentFromUrl", "attachmentPart"],
				...["ResponseCache", "toResultRow"],
				...["allPrices", "findPrice", "listModels", "proxyTo"],
				...["chooseModel", "configuredRows", "providerRows", "requireKeys", "route"],
			].sort(),
		);
	});

	it("gives these types", () => {
		expect(typesOf("index.d.ts").sort()).toEqual(
			[
				...[
					"AskOptions",
					"BatchOptions",
					"BatchStatus",
					"CacheMode",
					"CallOptions",
					"ChatInput",
					"GenerateOptions",
					"GenerateRow",
					"LLMOptions",
				],
				...[
					"Result",
					"Usage",
					"Cost",
					"FinishReason",
					"StreamPart",
					"StreamFinish",
					"RetryNotice",
					"ResultRow",
				],
				...["RowOutcome", "RequestOutcome", "RunControl"],
				...["Message", "Role", "ContentPart", "TextPart", "ImagePart", "FilePart", "AudioPart"],
				...["ToolCall", "AnswerChoice", "AnswerDetails", "ResponseInfo"],
				...["Parameters", "ReasoningEffort", "ResponseFormat", "JsonSchemaFormat", "Environment"],
				...["ErrorClass", "ExitCode", "FailureAdvice"],
				...["LlmxErrorOptions", "AbortedErrorOptions", "PartialFailureOptions", "RequestErrorOptions"],
				...["ConversationOptions", "Turn", "UrlAttachmentOptions", "SchemaCheck", "SchemaChecker"],
				...[
					"CacheStatistics",
					"ListOptions",
					"LiveModel",
					"Price",
					"PriceOptions",
					"Charges",
					"OwnPrice",
					"OwnPrices",
				],
				...["ModelChoice", "ModelRoute", "ProviderRow"],
			].sort(),
		);
	});
});

/** Everything that users are sent, and nothing else. */
const packed =
	/^(bin\/(llmx\.js|package\.json)|dist\/(index\.js|chunks\/[\w-]+\.js|main\.cjs|cli\/[\w-]+\.cjs|types\/[\w/-]+\.d\.ts|report-page\.js|report-style\.css|THIRD_PARTY_LICENSES\.txt)|prices\.csv|package\.json|README\.md|LICENSE)$/;

it("what npm packs is what users are sent", () => {
	const argv = ["pack", "--dry-run", "--json", "--ignore-scripts"];
	const { stdout } = spawnSync("npm", argv, { cwd: root, encoding: "utf8" });
	const [{ files }] = Object.values(JSON.parse(stdout)) as [{ files: { path: string }[] }];
	const paths = files.map(({ path }) => path);
	expect(paths.filter((path) => !packed.test(path))).toEqual([]);
	const needed = [
		"bin/llmx.js",
		"bin/package.json",
		"dist/main.cjs",
		"dist/index.js",
		"dist/types/index.d.ts",
	];
	expect(paths).toEqual(expect.arrayContaining([...needed, "dist/THIRD_PARTY_LICENSES.txt", "prices.csv"]));
});

/** Names of the types, classes left out, that a file of the packed types exports. */
function typesOf(file: string): string[] {
	const text = readFileSync(join(root, "dist/types", file), "utf8");
	const own = [...text.matchAll(/^export (?:declare )?(?:interface|type) (\w+)/gm)].map(
		([, name = ""]) => name,
	);
	const named = [...text.matchAll(/^export (type )?\{([^}]*)\}/gm)].flatMap(([, allTypes, names = ""]) =>
		names
			.split(",")
			.map((name) => name.trim())
			.filter((name) => name !== "" && (allTypes !== undefined || name.startsWith("type ")))
			.map((name) => name.replace(/^type /, "")),
	);
	const whole = [...text.matchAll(/^export (?:type )?\* from "\.\/([^"]+)\.ts"/gm)].flatMap(([, name]) =>
		typesOf(`${name}.d.ts`),
	);
	return [...own, ...named, ...whole];
}

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

	it("are what the public face promises, and whole where nothing else is installed, not even Node's own types", () => {
		copyFileSync(join(root, "test/fixtures/face.ts"), join(project, "face.ts"));
		const compilerOptions = {
			target: "es2023",
			module: "nodenext",
			lib: ["es2023", "esnext.disposable", "dom"],
			types: [],
			strict: true,
			noEmit: true,
			skipLibCheck: false,
		};
		writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["face.ts"] }));
		const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
		const { status, stdout } = spawnSync(process.execPath, [tsc, "-p", project], { encoding: "utf8" });
		expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
	});
});
