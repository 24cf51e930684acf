/** The text and the reasoning of an answer as they come; whoever holds a half-read answer keeps them in one of these. */
export class AnswerText {
	text = "";
	reasoning = "";

	/** Takes the text of a part; parts without any, such as the finish, change nothing. */
	add(part: { readonly type: string; readonly text?: string }): void {
		if (part.text === undefined) return;
		if (part.type === "text-delta") this.text += part.text;
		else if (part.type === "reasoning-delta") this.reasoning += part.text;
	}
}
