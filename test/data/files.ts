import { gzipSync, zstdCompressSync } from "node:zlib";

/**
 * Prompts files as people have them: written by Excel, pandas, jq, editors, other tools and by mistake. What is
 * expected of each is its prompts in their order, or a part of the message that refuses it.
 */
export interface DataFile {
	readonly name: string;
	readonly bytes: Buffer;
	readonly expected: readonly string[] | string;
	/** Ids where they are not the rows' numbers. */
	readonly ids?: readonly string[];
}

const rows: readonly (readonly string[])[] = [
	["1", "Hello wörld €5", "a"],
	["2", "zwei\nZeilen", "b"],
	["3", "Comma, here; semi", "c"],
];
const prompts = rows.map(([, prompt]) => prompt as string);

/** As Python's csv writes it: a cell is quoted when it holds the delimiter, a quote or the line end. */
function csv(delimiter = ",", lineEnd = "\r\n", data = rows): string {
	const special = (cell: string) => [delimiter, '"', ...lineEnd].some((mark) => cell.includes(mark));
	return [["id", "prompt", "label"], ...data]
		.map((cells) => cells.map((cell) => (special(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)))
		.map((cells) => cells.join(delimiter) + lineEnd)
		.join("");
}

const utf16be = (text: string) => Buffer.from(text, "utf16le").swap16();

/** The few characters of Windows-1252 that these files need. */
function windows1252(text: string): Buffer {
	const codes: Record<string, number> = { "€": 0x80, "–": 0x96, "“": 0x93, "”": 0x94 };
	return Buffer.from([...text].map((character) => codes[character] ?? character.charCodeAt(0)));
}

const noise = Buffer.from(Array.from({ length: 300 }, (_, index) => (index * 97 + 131) % 256));
const jsonl = (...values: unknown[]) => values.map((value) => `${JSON.stringify(value)}\n`).join("");

const encodings: DataFile[] = [
	file("utf16le.csv", Buffer.from(`\ufeff${csv("\t")}`, "utf16le"), prompts),
	file("utf16be.csv", utf16be(`\ufeff${csv("\t")}`), prompts),
	file("utf16nobom.csv", Buffer.from(csv(), "utf16le"), prompts),
	file("utf16.txt", Buffer.from("\ufeffHello\r\nWelt\r\n", "utf16le"), ["Hello", "Welt"]),
	file("utf16.jsonl", Buffer.from(`\ufeff${jsonl({ prompt: "hi" }, { prompt: "ho" })}`, "utf16le"), [
		"hi",
		"ho",
	]),
	file("cp1252.csv", windows1252(csv()), "iconv -f WINDOWS-1252 -t UTF-8 cp1252.csv > cp1252.utf8.csv"),
	// こんにちは
	file(
		"cp932.csv",
		Buffer.concat([
			Buffer.from("id,prompt\r\n1,"),
			Buffer.from("82b182f182c982bf82cd", "hex"),
			Buffer.from("\r\n"),
		]),
		"nor Western text; convert it from what it was written in (CP932 is Japanese",
	),
	file("put-together.csv", "id,prompt\n1,one\n\ufeffid,prompt\n2,two\nid,prompt\n3,prompt\n", [
		"one",
		"two",
		"prompt",
	]),
	file("cp1252.jsonl", windows1252('{"prompt":"wörld – “quote”"}\n'), "iconv -f WINDOWS-1252"),
	file("latin1.csv", Buffer.from(csv(",", "\r\n", [["1", "wörld", "x"]]), "latin1"), "iconv -f WINDOWS-1252"),
	file("bom-utf8.csv", `\ufeff${csv(";")}`, prompts),
	file("bom-quoted.csv", '\ufeff"prompt";"label"\r\n"hi";"x"\r\n', ["hi"]),
	file("rawnul.txt", "a\0b\nc\n", ["a\0b", "c"]),
	file("u2028.jsonl", '{"prompt":"a\u2028b"}\n', ["a\u2028b"]),
	file("nul.jsonl", '{"prompt":"a\\u0000b"}\n', ["a\0b"]),
];

const tables: DataFile[] = [
	file("mac.csv", csv(",", "\r"), prompts),
	file("semi.csv", csv(";"), prompts),
	file("pipe.csv", csv("|"), prompts),
	file("sepline.csv", `sep=;\r\n${csv(";")}`, prompts),
	file("semi-commas-in-header.csv", '"a, b, c, d";prompt\r\nx;"hello, you"\r\n', ["hello, you"]),
	file(
		"one-col-commas.csv",
		"prompt\nTell me a joke, please\nWhat is love; baby\n",
		"2: 2 cells in a row, but the header has 1; quote cells that hold a comma, or use --format text",
	),
	file("one-col-semi.csv", "prompt\nhi; there\n", ["hi; there"]),
	file(
		"wide300.csv",
		`${["prompt", ...Array.from({ length: 299 }, (_, at) => `c${at}`)].join()}\n${["hi", ...Array(299).keys()].join()}\n`,
		["hi"],
	),
	file("hdr-weird.csv", 'First Name,a.b,,prompt,prompt,,"Price ($)"\nAnn,x,e1,hi,again,e2,5\n', ["hi"]),
	file("hdr-dup.csv", "id,text,text\n1,hi,ho\n", 'no field "prompt"; the row has: id, text, text_1'),
	file("hdr-space.csv", " prompt , label\nhi,x\n", `did you mean " prompt "? (--column ' prompt ')`),
	file("hdr-case.csv", "Prompt,Label\nhi,x\n", 'did you mean "Prompt"? (--column Prompt)'),
	file("trailing-commas.csv", "id,prompt,,,\n1,hi,,,\n2,ho,,,\n", ["hi", "ho"]),
	file("trailing-comma-rows.csv", "id,prompt\n1,hi,\n2,ho,\n", "2: 3 cells in a row, but the header has 2"),
	file("ragged.csv", "id,prompt,label\n1,hi\n2,ho,x,y\n", "3: 4 cells in a row, but the header has 3"),
	file("emptyrows.csv", "id,prompt\n1,hi\n,,\n,\n2,ho\n", ["hi", "ho"]),
	file("blankprompt.csv", "id,prompt\n1,hi\n2,\n3,ho\n", "3: the prompt is empty"),
	file("iddup.csv", "id,prompt\n1,hi\n1,ho\n2,hm\n2,hx\n", "--no-id numbers the rows"),
	file("id-empty.csv", "id,prompt\n,hi\n,ho\n", "2: the id is empty"),
	file("ID.csv", "ID,prompt\n7,hi\n7,ho\n", ["hi", "ho"]),
	file("hdronly.csv", "prompt,id\n", "the file contains no prompts"),
	file("unclosed.csv", 'id,prompt\n1,"hi\n2,ho\n3,hm\n', "2: a quote opened in this row is never closed"),
	file("badquote.csv", 'id,prompt\n1,he said "hi"\n2,"a"b,c\n3,ho\n', "3: text after a closing quote"),
	file("backslash.csv", 'id,prompt\n1,"he said \\"hi\\""\n2,ho\n', "2: a quote after a backslash"),
	file("mixedle.csv", "id,prompt\r\n1,hi\n2,ho\r\n", ["hi", "ho"]),
	file("quotednl.csv", 'id,prompt\r\n1,"two\r\nlines"\r\n2,"l1\nl2"\r\n', ["two\r\nlines", "l1\nl2"]),
	file("formula.csv", "id,prompt,amt\n1,=SUM(A1),-5\n2,@x,+3\n", ["=SUM(A1)", "@x"]),
	file(
		"tab.tsv",
		'id\tprompt\n1\ta "quoted" word\n2\t"starts quoted" then\n',
		"3: text after a closing quote",
	),
];

const oddIds = [
	"a/b/c",
	"../x",
	"日本語😀",
	"x".repeat(5000),
	"has space",
	" lead",
	"null",
	"__proto__",
	"1e3",
];

const jsonFiles: DataFile[] = [
	{
		...file(
			"ids.jsonl",
			`${[
				...oddIds.map((id) => JSON.stringify(id)),
				"12345678901234567890",
				'"\\u202eabc"',
				'"line\\nbreak"',
				"1.0",
			]
				.map((id, at) => `{"id":${id},"prompt":"hi ${at}"}\n`)
				.join("")}`,
			Array.from({ length: 13 }, (_, at) => `hi ${at}`),
		),
		ids: [...oddIds, "12345678901234567890", "\u202eabc", "line\nbreak", "1"],
	},
	file("id-null.jsonl", '{"id":null,"prompt":"a"}\n{"id":null,"prompt":"b"}\n', ["a", "b"]),
	file(
		"id-partial.jsonl",
		'{"prompt":"a"}\n{"id":1,"prompt":"b"}\n',
		'2: the id "1" is already used in line 1',
	),
	file("list.json", JSON.stringify([{ prompt: "a" }, { prompt: "b" }]), ["a", "b"]),
	file("list-in-jsonl.jsonl", JSON.stringify([{ prompt: "a" }, { prompt: "b" }]), ["a", "b"]),
	file("pretty-list.jsonl", JSON.stringify([{ prompt: "a" }, { prompt: "b" }], null, 2), ["a", "b"]),
	file(
		"pretty-obj.jsonl",
		`${JSON.stringify({ prompt: "a" }, null, 2)}\n${JSON.stringify({ prompt: "b" }, null, 2)}`,
		["a", "b"],
	),
	file("wrapped.json", JSON.stringify({ data: [{ prompt: "a" }] }, null, 1), ["a"]),
	file(
		"trailcomma.jsonl",
		'{"prompt":"a"},\n{"prompt":"b"},\n',
		"1: not valid JSON (a comma between two rows)",
	),
	file(
		"comments.jsonl",
		'// my prompts\n{"prompt":"a"}\n# note\n{"prompt":"b"}\n',
		"1: not valid JSON (at character 1: JSON has no comments)",
	),
	file(
		"single.jsonl",
		"{'prompt': 'a'}\n",
		"1: not valid JSON (at character 2: JSON has double quotes only)",
	),
	file(
		"nan.jsonl",
		'{"prompt":"a","score":NaN}\n{"prompt":"b","score":Infinity}\n',
		"1: not valid JSON (at character 23: NaN and Infinity are not JSON",
	),
	file("concat.jsonl", '{"prompt":"a"}{"prompt":"b"}\n', ["a", "b"]),
	file("crlf.jsonl", '{"prompt":"a"}\r\n\r\n{"prompt":"b"}\r\n', ["a", "b"]),
	file("cronly.jsonl", '{"prompt":"a"}\r{"prompt":"b"}\r', ["a", "b"]),
	file(
		"permodel.jsonl",
		'{"prompt":"a","model":"sim/echo","temperature":0.5}\n{"prompt":"b","model":"sim/words","temperature":"hot"}\n{"prompt":"c","max_tokens":-1}\n',
		'3: "max_tokens" must be',
	),
];

const containers: DataFile[] = [
	file("a.jsonl.gz", gzipSync('{"prompt":"a"}\n'), ["a"]),
	file("a.jsonl.zst", zstdCompressSync('{"prompt":"a"}\n'), ["a"]),
	file("gz-as.jsonl", gzipSync('{"prompt":"a"}\n'.repeat(50)), Array<string>(50).fill("a")),
	file("a.csv.gz", gzipSync(csv()), prompts),
	file(
		"PAR1.parquet",
		Buffer.concat([Buffer.from("PAR1"), noise]),
		"COPY (FROM read_parquet('PAR1.parquet')) TO 'PAR1.jsonl'",
	),
	file("parquet-as.jsonl", Buffer.concat([Buffer.from("PAR1"), noise]), "TO 'parquet-as.converted.jsonl'"),
	file("x.arrow", Buffer.concat([Buffer.from("ARROW1\0\0"), noise]), "COPY (FROM read_arrow('x.arrow'))"),
	file("x.feather", "ARROW1", "COPY (FROM read_arrow('x.feather'))"),
	file("x.xlsx", Buffer.concat([Buffer.from("PK\x03\x04"), noise]), "in2csv -f xlsx 'x.xlsx' > 'x.csv'"),
	file("xlsx-as.csv", Buffer.concat([Buffer.from("PK\x03\x04"), noise]), "is a spreadsheet (XLSX)"),
	file("x.yaml", "- prompt: a\n", "cannot infer the format of x.yaml"),
	file("x.md", "hello\n", "cannot infer the format of x.md"),
	file("noext", "hello\n", "cannot infer the format of noext"),
	file("empty.jsonl", "", "the file contains no prompts"),
	file("blank.txt", "\n\n \n", "the file contains no prompts"),
];

const user = { role: "user", content: "hi" };
const messages: DataFile[] = [
	row("msg-dev", { messages: [{ role: "developer", content: "be brief" }, user] }, ["hi"]),
	row(
		"msg-tool",
		{
			messages: [
				user,
				{
					role: "assistant",
					content: null,
					tool_calls: [{ id: "c", type: "function", function: { name: "f", arguments: "{}" } }],
				},
				{ role: "tool", tool_call_id: "c", content: "sunny" },
			],
		},
		["hi"],
	),
	row(
		"msg-img",
		{
			messages: [
				{
					role: "user",
					content: [
						{ type: "text", text: "what" },
						{ type: "image_url", image_url: { url: "data:image/png;base64,iVBORw0KGgo=" } },
					],
				},
			],
		},
		["what"],
	),
	row("msg-lastassist", { messages: [user, { role: "assistant", content: "Sure:" }] }, ["hi"]),
	row("msg-name", { messages: [{ ...user, name: "bob" }] }, ["hi"]),
	row("msg-sharegpt", { conversations: [{ from: "human", value: "hi" }] }, "ShareGPT"),
	row(
		"msg-audio",
		{
			messages: [
				{ role: "user", content: [{ type: "input_audio", input_audio: { data: "AAAA", format: "wav" } }] },
			],
		},
		[""],
	),
	row(
		"msg-file",
		{ messages: [{ role: "user", content: [{ type: "file", file: { file_id: "file-1" } }] }] },
		"messages[0].content[0]: ids of uploaded files are not supported",
	),
	row("msg-strmsg", { messages: "hi" }, '"messages" must be a list, not "hi"'),
	row("msg-fn", { messages: [user, { role: "function", name: "f", content: "1" }, user] }, ["hi"]),
	row("msg-toolless", { messages: [user, { role: "tool", content: "sunny" }] }, "messages[1].tool_call_id"),
	row("msg-emptycontent", { messages: [{ role: "user", content: "" }] }, [""]),
	row("msg-vars", { vars: { topic: "tea" }, prompt: "hi" }, ["hi"]),
];

const body = { model: "sim/echo", messages: [user] };
const schema = {
	type: "object",
	properties: { a: { type: "string" } },
	required: ["a"],
	additionalProperties: false,
};
const line = (content: object, url = "/v1/chat/completions") => ({
	custom_id: "r1",
	method: "POST",
	url,
	body: content,
});

const batchLines: DataFile[] = [
	row("oai-plain", line(body), ["hi"]),
	row("oai-rf", line({ ...body, response_format: { type: "json_object" } }), [
		'{"prompt":"hi","words":1,"ok":true}',
	]),
	row(
		"oai-rfs",
		line({
			...body,
			response_format: { type: "json_schema", json_schema: { name: "x", strict: true, schema } },
		}),
		['{"a":"text"}'],
	),
	row(
		"oai-emb",
		line({ model: "text-embedding-3-small", input: "hi" }, "/v1/embeddings"),
		"only /v1/chat/completions",
	),
	row("oai-resp", line({ model: "gpt-4.1", input: "hi" }, "/v1/responses"), "only /v1/chat/completions"),
	row("oai-comp", line({ model: "gpt-3.5", prompt: "hi" }, "/v1/completions"), "only /v1/chat/completions"),
	row("oai-gpt", line({ ...body, model: "gpt-4.1-mini" }), "no API key for OpenAI"),
	row("oai-nourl", { custom_id: "a", body }, ["hi"]),
	row("oai-noid", { method: "POST", url: "/v1/chat/completions", body }, 'without its "custom_id"'),
	row("gem", { key: "a", request: { contents: [{ parts: [{ text: "hi" }] }] } }, "Gemini's Batch API"),
	row(
		"anth",
		{ custom_id: "a", params: { model: "claude", max_tokens: 5, messages: [user] } },
		"Anthropic's Message Batches",
	),
];

export const dataFiles: readonly DataFile[] = [
	...encodings,
	...tables,
	...jsonFiles,
	...containers,
	...messages,
	...batchLines,
];

function file(name: string, content: string | Buffer, expected: DataFile["expected"]): DataFile {
	return { name, bytes: Buffer.from(content as string), expected };
}

function row(name: string, value: object, expected: DataFile["expected"]): DataFile {
	const result = file(`${name}.jsonl`, jsonl(value), expected);
	const id = (value as { custom_id?: string }).custom_id;
	return id === undefined ? result : { ...result, ids: [id] };
}
