import { describeValue } from "../parameters/values.ts";
import type { RawRow } from "./input.ts";
import { isObject, isSet, numberText } from "./json.ts";
import { missingField } from "./missing-field.ts";
import { RowProblem } from "./parameters.ts";

/** The id of a row, whatever else is in it, by the same rules. Throws RowProblem when it cannot be one. */
export function idOf({ value, number }: RawRow, field: string | false | undefined): string {
	if (!isObject(value) || field === false) return String(number);
	const isOpenAi = isObject(value.body) && value.custom_id !== undefined;
	if (field === undefined) return readId(isOpenAi ? value.custom_id : value.id, number);
	if (!isSet(value[field])) throw missingField(field, value, "--id");
	return readId(value[field], number);
}

/** A value as an id; the row's number when it is none. Throws RowProblem when it cannot be one. */
export function readId(value: unknown, number: number): string {
	if (!isSet(value)) return String(number);
	const id = typeof value === "string" ? value : numberText(value);
	if (id === undefined)
		throw new RowProblem(`an id must be a string or a number, not ${describeValue(value)}`);
	if (id === "") throw new RowProblem("the id is empty");
	return id;
}
