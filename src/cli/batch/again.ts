/** Options that belong to one run and not to the next. */
const dropped = new Set(["--overwrite", "--retry-failed", "--dry-run", "--rehearse", "--detach"]);

/** The commands that resume a run: one sends what is missing, the other also what failed. */
export function commandsAgain(argv: readonly string[]): {
	readonly missing: string;
	readonly failed: string;
} {
	const words = ["llmx", ...argv.filter((word) => !dropped.has(word)).map(withoutPassword)].map(quote);
	return { missing: words.join(" "), failed: [...words, "--retry-failed"].join(" ") };
}

/** A URL with a password, which is not to be shown, as it is better given. */
function withoutPassword(word: string): string {
	return word.replace(/rediss?:\/\/[^@]*@.*$/i, secretUrl);
}

const secretUrl = "$LLMX_SHARE_URL";

/** A word as a POSIX shell takes it. */
function quote(word: string): string {
	if (word.endsWith(secretUrl)) return `"${word}"`;
	return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
