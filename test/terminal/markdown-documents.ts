import fc from "fast-check";

/** A word that no other place of a document has, so that a lost or doubled one is seen. */
const marker = "\u0001";

const word = fc.constantFrom(
	...[
		marker,
		marker,
		marker,
		"and",
		"files",
		"`x`",
		"2*3*4",
		"~/lib",
		"5~10",
		"C:\\temp\\_new\\*.log",
		"a_b_c",
	],
	...[
		"$5",
		"\\$7",
		"https://a.example/x_y_(z)?q=1&r=*",
		"me@example.org",
		"<br>",
		"&amp;",
		"\\*",
		"\\(",
		"\\)",
		"\\[",
	],
	...[
		"**",
		"*",
		"_",
		"__",
		"`",
		"``",
		"~~",
		"[",
		"](u)",
		"![",
		"]",
		"<b>",
		"<http://e.org>",
		"\\",
		"|",
		"世界",
		"，",
	],
	...[`**${marker}**`, `*${marker}*`, `~~${marker}~~`, `[${marker}](https://l.example)`, `\`${marker}\``],
	...[`$${marker}_i$`, `\\(${marker}\\)`, `**“${marker}”**后`, `src/**/*.ts`, "👩‍🚀", "é", "!", "#", "```"],
);
const text = fc.array(word, { minLength: 1, maxLength: 12 }).map((words) => words.join(" "));
const long = fc.array(word, { minLength: 40, maxLength: 120 }).map((words) => words.join(" "));
const glued = fc.array(word, { minLength: 1, maxLength: 8 }).map((words) => words.join(""));
const line = fc.oneof(
	{ weight: 6, arbitrary: text },
	{ weight: 1, arbitrary: long },
	{ weight: 1, arbitrary: glued },
);

const row = fc.array(text, { minLength: 1, maxLength: 4 });
const table = fc
	.record({
		lead: fc.option(text, { nil: undefined }),
		head: fc.array(fc.constantFrom(marker, "a", "世界", "size"), { minLength: 1, maxLength: 4 }),
		rows: fc.array(row, { maxLength: 4 }),
		isOpen: fc.boolean(),
	})
	.map(({ lead, head, rows, isOpen }) => {
		const border = (cells: readonly string[]) => (isOpen ? cells.join(" | ") : `| ${cells.join(" | ")} |`);
		const lines = [border(head), border(head.map(() => "---")), ...rows.map(border)];
		return [...(lead === undefined ? [] : [lead]), ...lines].join("\n");
	});
const fence = fc
	.record({
		language: fc.constantFrom("", "js", "py", "sh", "rust", "nonsense", `x ${marker}`),
		code: fc.array(
			fc.constantFrom(`let ${marker} = 1;`, "/*", "`${", "", "  indented", '"""', "# x", "\tt"),
			{
				maxLength: 5,
			},
		),
		isClosed: fc.boolean(),
	})
	.map(({ language, code, isClosed }) =>
		[`\`\`\`${language}`, ...code, ...(isClosed ? ["```"] : [])].join("\n"),
	);
const block: fc.Arbitrary<string> = fc.oneof(
	{ weight: 5, arbitrary: fc.array(line, { minLength: 1, maxLength: 3 }).map((lines) => lines.join("\n")) },
	{ weight: 2, arbitrary: table },
	{ weight: 2, arbitrary: fence },
	fc.tuple(fc.integer({ min: 1, max: 6 }), text).map(([level, title]) => `${"#".repeat(level)} ${title}`),
	fc.tuple(text, fc.constantFrom("---", "===", "-")).map(([title, rule]) => `${title}\n${rule}`),
	fc.constantFrom(
		"---",
		"***",
		`> [!WARNING]\n> ${marker}`,
		`$$\n${marker}_1 * b\n- d\n$$`,
		`\\[ ${marker} \\\\ y \\]`,
		`\\[\n${marker}\n`,
	),
	fc.array(text, { minLength: 1, maxLength: 4 }).map((items) => items.map((item) => `- ${item}`).join("\n")),
	fc
		.array(text, { minLength: 1, maxLength: 3 })
		.map((items) => items.map((item, i) => `${i + 1}. ${item}`).join("\n")),
);

/** Puts a block into a quote or an item, some of its lines badly. */
const nested = fc
	.tuple(block, fc.constantFrom("> ", "- ", "1. ", "> > ", "- - ", "  ", "    "), fc.boolean())
	.map(([inner, prefix, isLazy]) => {
		const indent = prefix.includes(">") ? prefix : " ".repeat(prefix.length);
		return inner
			.split("\n")
			.map((each, index) => (index === 0 ? prefix : isLazy && index % 2 === 0 ? "" : indent) + each)
			.join("\n");
	});

/** Documents of every construct, one inside another and side by side, their words numbered. */
export const documents: fc.Arbitrary<string> = fc
	.array(
		fc.tuple(fc.oneof({ weight: 3, arbitrary: block }, { weight: 2, arbitrary: nested }), fc.boolean()),
		{
			maxLength: 6,
		},
	)
	.map((blocks) => {
		let number = 0;
		const source = blocks.map(([each, isApart]) => each + (isApart ? "\n\n" : "\n")).join("");
		return source.replaceAll(marker, () => `w${number++}w`);
	});

/** A text in pieces whose lengths come from a list, over and over. */
export function inPieces(source: string, lengths: readonly number[]): string[] {
	const pieces: string[] = [];
	for (let at = 0, index = 0; at < source.length; index += 1) {
		const length = lengths[index % lengths.length] ?? 1;
		pieces.push(source.slice(at, at + length));
		at += length;
	}
	return pieces;
}

/** Lengths of pieces: a character, a token, a network packet. */
export const pieceLengths = fc.array(
	fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 400 })),
	{
		minLength: 1,
		maxLength: 8,
	},
);
