/** What rows have been made of so far, by the names of their fields. */
export class FieldUse {
	/** Rows whose id is one of theirs, and rows that are known by their number. */
	ids = 0;
	numbers = 0;
	/** Rows whose prompt is a field or a template, and rows that bring messages. */
	prompts = 0;
	messages = 0;
	/** Fields that set a parameter, a model or a system text. */
	readonly parameters = new Set<string>();
	/** Fields that would set one if rows were not data. */
	readonly unused = new Set<string>();
}
