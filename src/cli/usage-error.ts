/** Commander's sentences, and how llmx says the same. */
const sentences: readonly (readonly [RegExp, (...parts: string[]) => string])[] = [
	[
		/^option '(.+?)' argument '(.*)' is invalid\. (.*)$/s,
		(flags = "", value, why = "") => `invalid value "${value}" for ${longName(flags)}: ${reason(why)}`,
	],
	[
		/^command-argument value '(.*)' is invalid for argument '(.+?)'\. (.*)$/s,
		(value, name, why = "") => `invalid ${name} "${value}": ${reason(why)}`,
	],
	[/^option '(.+)' argument missing$/, (flags = "") => `${longName(flags)} needs a value`],
	[/^required option '(.+)' not specified$/, (flags = "") => `${longName(flags)} is missing`],
	[/^missing required argument '(.+)'$/, (name = "") => `${name.toUpperCase()} is missing`],
	[/^unknown option '(.*)'$/s, (name) => `unknown option ${name}`],
	[/^unknown command '(.*)'$/s, (name) => `unknown command "${name}"`],
	[
		/^option '(.+)' cannot be used with option '(.+)'$/,
		(one, other) => `${one} cannot be used with ${other}`,
	],
	[/^too many arguments(?: for '.+?')?\. Expected (\d+) .*?: (.*)\.$/s, tooMany],
];

/**
 * What commander says about a command line, in the voice of llmx's other messages.
 * @returns the message, and the suggestion that came with it
 */
export function usageMessage(text: string): { message: string; suggestion: string | undefined } {
	const [said = "", ...rest] = text.replace(/^error: /, "").split("\n(");
	const suggestion = /^Did you mean (.*)\?\)$/s.exec(rest.join("\n("))?.[1];
	let message = said;
	for (const [pattern, say] of sentences) {
		const match = pattern.exec(said);
		if (match === null) continue;
		message = say(...match.slice(1));
		break;
	}
	return { message, suggestion: suggestion === undefined ? undefined : `did you mean ${suggestion}?` };
}

/** `-n, --answers <count>` is `--answers`. */
function longName(flags: string): string {
	return /--[\w-]+/.exec(flags)?.[0] ?? flags;
}

/** `It must be a number.` is `it must be a number`. */
function reason(sentence: string): string {
	const text = sentence.replace(/^Allowed choices are /, "it must be one of ").replace(/\.$/, "");
	return text.charAt(0).toLowerCase() + text.slice(1);
}

function tooMany(expected = "", given = ""): string {
	const most = expected === "0" ? "no argument" : expected === "1" ? "one argument" : `${expected} arguments`;
	return `too many arguments: ${given} (this command takes ${most})`;
}
