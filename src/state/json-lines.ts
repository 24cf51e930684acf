export type JsonPath = readonly (string | number)[];

/** The line (from 1) of a value in a JSON text, or of its first syntax error. */
export function lineInJson(text: string, path: JsonPath = []): number {
	return text.slice(0, positionInJson(text, path)).split("\n").length;
}

/**
 * The position (from 0) of a value in a JSON text, or of its first syntax error, the text's length when it ends early:
 * JSON.parse says neither reliably. Used only once something is known to be wrong.
 */
export function positionInJson(text: string, path: JsonPath = []): number {
	let found = 0;
	let position = 0;
	const stop = () => new SyntaxError();
	const skip = () => {
		while (position < text.length && " \t\r\n".includes(text[position] as string)) position += 1;
	};
	const expect = (character: string) => {
		skip();
		if (text[position] !== character) throw stop();
		position += 1;
	};
	const readString = (): string => {
		skip();
		const match = /"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*/y;
		match.lastIndex = position;
		const [opened] = match.exec(text) ?? [];
		if (opened === undefined) throw stop();
		if (text[position + opened.length] !== '"') {
			position += opened.length;
			throw stop();
		}
		const string = `${opened}"`;
		position += string.length;
		return JSON.parse(string) as string;
	};
	/** `depth` is how much of the path leads here, or -1 beside it. */
	const readValue = (depth: number): void => {
		skip();
		const wanted = depth >= 0 ? path[depth] : undefined;
		if (depth >= 0 && depth === path.length) found = position;
		const opening = text[position];
		if (opening === "{" || opening === "[") {
			const closing = opening === "{" ? "}" : "]";
			position += 1;
			skip();
			if (text[position] === closing) {
				position += 1;
				return;
			}
			for (let index = 0; ; index += 1) {
				let key: string | number = index;
				skip();
				const start = position;
				if (opening === "{") {
					key = readString();
					expect(":");
				}
				const onPath = depth >= 0 && depth < path.length && key === wanted;
				readValue(onPath ? depth + 1 : -1);
				// A member is pointed at by its name, which is what has to be changed as often as its value.
				if (onPath && depth + 1 === path.length) found = start;
				skip();
				if (text[position] === ",") position += 1;
				else break;
			}
			expect(closing);
		} else if (opening === '"') {
			readString();
		} else {
			const match = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
			match.lastIndex = position;
			const [scalar] = match.exec(text) ?? [];
			if (!scalar) throw stop();
			position += scalar.length;
		}
	};
	try {
		readValue(0);
		skip();
		if (position < text.length) found = position;
	} catch (error) {
		if (!(error instanceof SyntaxError)) throw error;
		found = position;
	}
	return found;
}
