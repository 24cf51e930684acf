import { describeValue } from "../parameters/values.ts";
import type { ContentPart } from "../types.ts";
import { RowProblem } from "./parameters.ts";

/** True for an attachment that is named by its address. */
export function isLink(source: string): boolean {
	return /^https?:\/\//i.test(source);
}

const notAnImage = /\.(?:pdf|docx?|txt|csv|json|wav|mp3|flac|ogg|m4a|mp4)$/i;

/** An image by its address. Throws RowProblem for an address that cannot be an image's: no provider fetches anything else. */
export function linkedImage(address: string): ContentPart {
	const url = URL.canParse(address) ? new URL(address) : undefined;
	if (url === undefined) throw new RowProblem(`${describeValue(address)} is not a valid URL`);
	if (notAnImage.test(url.pathname))
		throw new RowProblem(`${describeValue(address)} is not an image URL; download it and attach the file`);
	return { type: "image", url: address };
}
