/** Markdown of marks alone, each kind for as long as it takes to be felt. */

const units: Readonly<Record<string, string>> = {
	"templates in js": "```js\n`${\n\n\n`${\n",
	"comments in js": "```js\n/*\n\n\n/*\n",
	"brackets in js": "```js\n({[\n({[\n",
	"dense js": "```js\na.b.c+d;x=[1,2,{y:3}];f(g(h))\n```\n",
	"attributes in html": "```html\n<a b=\n<a b=\n",
	"strings in python": "```python\nf'{f\"{\n\n'''\n",
	"here documents in ruby": '```ruby\n<<A <<B #{"#{\n',
	"substitutions in sh": '```sh\n$(`"$(\n',
	fences: "```\n",
	"underlined titles": "a\n-\n",
	headings: "# a\n",
	items: "- a\n",
	quotes: "> > > > > > a\n",
	"endless quote": "> ",
	stars: "*a ",
	"stars around East Asian text": "**世界，**",
	identifiers: "_a ",
	backticks: "` `` ``` ",
	links: "[a](b ",
	images: "![[a](",
	dollars: "$a ",
	backslashes: "\\a",
	formulas: "\\(",
	angles: "<a@b",
	addresses: "https://a.example/(((_.,;:",
	emoji: "👩‍🚀",
	"combining characters": "e\u0301",
	spaces: " ",
	"empty lines": "\n",
	"rows of a table": "| a | b |\n|---|---|\n| x | y |\n",
	"wide table": `|${"a|".repeat(300)}\n|${"-|".repeat(300)}\n|${"x|".repeat(300)}\n`,
	borders: "|\n",
	everything: "**a _b `c [d](e ~~f $g \\(h <i> ",
};

/** Prose, for comparison: paragraphs of words. */
const prose = `${"Rayleigh scattering: air scatters short wavelengths far more than long ones. ".repeat(5)}\n\n`;

/** Hostile texts of so many characters, by name; the first one is harmless. */
export function hostileMarkdown(characters: number): ReadonlyMap<string, string> {
	const ofLength = (unit: string) => unit.repeat(Math.ceil(characters / unit.length)).slice(0, characters);
	return new Map(
		[["prose", prose] as const, ...Object.entries(units)].map(([name, unit]) => [name, ofLength(unit)]),
	);
}
