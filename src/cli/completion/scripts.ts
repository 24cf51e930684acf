import type { CompletedCommand, CompletedOption, WordKind } from "./tree.ts";

/** Makes a word safe inside single quotes of a shell. */
const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

/** The words that lead to a command as one key, `sessions rm`; the program's own is empty. */
const keyOf = ({ path }: CompletedCommand) => path.join(" ");

/** Patterns `COMMAND|WORD` for a shell's case statement. */
interface Patterns {
	/** Options whose value is not a subcommand. */
	readonly skips: readonly string[];
	/** Words that lead to a subcommand. */
	readonly steps: readonly string[];
}

function patternsOf(tree: readonly CompletedCommand[]): Patterns {
	const pattern = (command: CompletedCommand, word: string) => quoted(`${keyOf(command)}|${word}`);
	return {
		skips: tree.flatMap((command) =>
			command.options
				.filter(({ value }) => value !== undefined)
				.flatMap(({ flags }) => flags.map((flag) => pattern(command, flag))),
		),
		steps: tree.flatMap((command) => command.subcommands.map(({ name }) => pattern(command, name))),
	};
}

/**
 * What bash and zsh read alike: the rest of a loop over `words` that finds the command, then the case statements for
 * values after an option and for other words.
 */
function posixCases(
	tree: readonly CompletedCommand[],
	write: {
		readonly values: (kind: WordKind) => string;
		readonly flags: (options: readonly CompletedOption[]) => string;
		readonly names: (subcommands: CompletedCommand["subcommands"]) => string;
	},
): string {
	const options: string[] = [];
	const words: string[] = [];
	for (const command of tree) {
		const key = keyOf(command);
		for (const { flags, value } of command.options) {
			if (value === undefined) continue;
			const pattern = flags.map((flag) => quoted(`${key}|${flag}`)).join("|");
			options.push(`\t\t${pattern}) ${write.values(value)}; return ;;`);
		}
		const { subcommands } = command;
		const others = subcommands.length === 0 ? write.values(command.argument) : write.names(subcommands);
		const flags = write.flags(command.options);
		words.push(`\t\t${quoted(key)}) if [[ $cur == -* ]]; then ${flags}; else ${others}; fi ;;`);
	}
	const { skips, steps } = patternsOf(tree);
	return `		case "$command|\${words[i]}" in
		${skips.join("|")}) ((i++)) ;;
		${steps.join("|")}) command=\${command:+$command }\${words[i]} ;;
		esac
	done
	case "$command|$prev" in
${options.join("\n")}
	esac
	case "$command" in
${words.join("\n")}
	esac`;
}

export function bashScript(tree: readonly CompletedCommand[]): string {
	const words = (list: readonly string[]) => `_llmx_words ${quoted(list.join(" "))}`;
	const cases = posixCases(tree, {
		values(kind) {
			if (kind.kind === "choices") return words(kind.words);
			if (kind.kind === "files") return "_llmx_files";
			return kind.kind === "none" ? ":" : `_llmx_words "$(_llmx_names ${kind.kind})"`;
		},
		flags: (options) => words(options.flatMap(({ flags }) => flags)),
		names: (subcommands) => words(subcommands.map(({ name }) => name)),
	});
	return `# bash completion for llmx; use it with: eval "$(llmx completion bash)"
_llmx_names() { llmx completion --names "$1" 2>/dev/null; }
_llmx_words() {
	# A model name may hold a colon, which bash takes for the end of a word.
	local prefix=
	[[ $cur == *:* && $COMP_WORDBREAKS == *:* ]] && prefix=\${cur%"\${cur##*:}"}
	local IFS=$' \\t\\n' word
	for word in $1; do
		[[ $word == "$cur"* ]] && COMPREPLY+=("\${word#"$prefix"}")
	done
}
_llmx_files() {
	local IFS=$'\\n'
	compopt -o filenames 2>/dev/null
	COMPREPLY=($(compgen -f -- "$cur"))
}
_llmx() {
	local cur prev command= i
	COMPREPLY=()
	# Words as a person sees them: bash has cut them at colons.
	local line=\${COMP_LINE:0:COMP_POINT}
	local -a words
	read -ra words <<< "$line"
	if [[ $line == *[[:space:]] ]]; then cur=; else cur=\${words[\${#words[@]}-1]}; unset "words[\${#words[@]}-1]"; fi
	prev=\${words[\${#words[@]}-1]}
	for ((i = 1; i < \${#words[@]}; i++)); do
${cases}
}
complete -F _llmx llmx
`;
}

export function zshScript(tree: readonly CompletedCommand[]): string {
	const described = (entries: readonly (readonly [string, string])[], of: string) => {
		const list = entries.map(([word, text]) => quoted(`${word.replaceAll(":", "\\:")}:${text}`));
		return `found=(${list.join(" ")}); _describe ${of} found`;
	};
	const cases = posixCases(tree, {
		values(kind) {
			if (kind.kind === "choices") return `compadd -- ${kind.words.map(quoted).join(" ")}`;
			if (kind.kind === "files") return "_files";
			return kind.kind === "none"
				? ":"
				: `compadd -- \${(f)"$(llmx completion --names ${kind.kind} 2>/dev/null)"}`;
		},
		flags: (options) =>
			described(
				options.flatMap(({ flags, description }) => flags.map((flag) => [flag, description] as const)),
				"option",
			),
		names: (subcommands) =>
			described(
				subcommands.map(({ name, description }) => [name, description] as const),
				"command",
			),
	});
	return `#compdef llmx
# zsh completion for llmx; use it with: source <(llmx completion zsh)
_llmx() {
	local cur=\${words[CURRENT]} prev=\${words[CURRENT-1]} command= i
	local -a found
	for ((i = 2; i < CURRENT; i++)); do
${cases}
}
# Autoloaded from fpath this file is the function; sourced it only defines it.
if [[ \${funcstack[1]} == _llmx ]]; then _llmx "$@"; else compdef _llmx llmx; fi
`;
}

export function fishScript(tree: readonly CompletedCommand[]): string {
	const { skips, steps } = patternsOf(tree);
	const lines = [
		`# fish completion for llmx; use it with: llmx completion fish | source
function __llmx_at
	set -l command
	set -l skip 0
	for word in (commandline -opc)[2..]
		if test $skip = 1
			set skip 0
			continue
		end
		switch "$command|$word"
			case ${skips.join(" ")}
				set skip 1
			case ${steps.join(" ")}
				set command (string trim -- "$command $word")
		end
	end
	test "$command" = "$argv[1]"
end
complete -c llmx -f`,
	];
	const values = (kind: WordKind): string => {
		if (kind.kind === "choices") return ` -a ${quoted(kind.words.join(" "))}`;
		if (kind.kind === "files") return " -F";
		return kind.kind === "none" ? "" : ` -a '(llmx completion --names ${kind.kind} 2>/dev/null)'`;
	};
	for (const command of tree) {
		const here = `complete -c llmx -n "__llmx_at ${quoted(keyOf(command))}"`;
		for (const { name, description } of command.subcommands)
			lines.push(`${here} -a ${quoted(name)} -d ${quoted(description)}`);
		if (command.argument.kind !== "none") lines.push(here + values(command.argument));
		for (const { flags, description, value } of command.options) {
			const names = flags.map((flag) =>
				flag.startsWith("--") ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
			);
			const taken = value === undefined ? "" : ` -r${values(value)}`;
			lines.push(`${here} ${names.join(" ")} -d ${quoted(description)}${taken}`);
		}
	}
	return `${lines.join("\n")}\n`;
}
