/** Answers with a text of their own. */

export const markdownSample = `# Heading one

A paragraph with **bold**, *italic*, ~~struck~~, \`inline code\` and a [link](https://example.com "title").
A second line of the same paragraph.

## Lists

1. First
2. Second
   - nested *bullet*
   - another with \`code\`
     - a third level
3. Third

- [x] done
- [ ] open

> A quote that runs over
> two lines.
>
> > And one inside it.

### Code

\`\`\`ts
export function add(left: number, right: number): number {
	return left + right; // "sum"
}
\`\`\`

    indented code <b>not html</b>

| left | centre | right |
|:-----|:------:|------:|
| one  | 数据   |     1 |
| a \\| b | 🙂  |  1000 |

---

Term with a footnote-like mark[1], an autolink <https://example.com/a_b>, and math $a^2 + b^2$.
`;

export const unicodeSample =
	"e\u0301 à ñ ß — “quotes” · 数据の処理 한국어 · שלום עולם · مرحبا · 👩‍👩‍👧‍👦 👍🏽 🇨🇭 · 𝒳𝒴 · \u{1f468}\u{1f3fb}\u200d\u{1f4bb} · i̇ · ｆｕｌｌ · \u00a0nbsp · end.";

/**
 * What an answer could do to a terminal that prints it raw: title, clipboard and hyperlink sequences, screen
 * clearing, cursor moves, device queries, C1 controls, bidi overrides, invisible and overwriting characters.
 */
export const hostileText = [
	"before ",
	"\u001b]0;owned\u0007",
	"\u001b]52;c;cm0gLXJmIC8=\u0007",
	"\u001b]8;;https://evil.example/\u001b\\safe link\u001b]8;;\u001b\\",
	"\u001b[2J\u001b[H\u001b[3J",
	"\u001b[6n\u001b[c\u001b[>q",
	"\u001b[?1049h\u001b[?1003h\u001b[?2004l",
	"\u001bP+q544e\u001b\\\u001b_Gf=32;AAAA\u001b\\\u001b^x\u001b\\",
	"\u009b31mC1 red\u009b0m\u009d0;c1 title\u009c",
	"line\rOVERWRITTEN\n",
	"back\b\b\b\bspace ",
	"\u202Egnp.exe\u202C \u2066isolated\u2069 ",
	"zero\u200bwidth\u2060 \ufeff",
	"bell\u0007 nul\u0000 del\u007f vt\u000b ff\u000c ",
	"\u001b[38;2;255;0;0mred\u001b[0m ",
	"unfinished \u001b[",
	" after",
].join("");
