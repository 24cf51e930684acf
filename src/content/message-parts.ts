import { UsageError } from "../errors.ts";
import type { ContentPart, ImagePart } from "../types.ts";

type Json = Record<string, unknown>;

/** One part, or none for what is not a part of the conversation itself. */
export function toPart(part: unknown, where: string): ContentPart | [] {
	if (typeof part === "string") return { type: "text", text: part };
	if (!isObject(part)) throw new UsageError(`${where} must be an object, not ${kindOf(part)}`);
	switch (part.type) {
		case "text":
		case "input_text":
		case "output_text":
			return { type: "text", text: textAt(part.text, `${where}.text`) };
		case "thinking":
		case "redacted_thinking":
		case "reasoning":
			return [];
		case "image":
			return toImage(part, where);
		case "image_url":
		case "input_image":
			return imageOfUrl(isObject(part.image_url) ? part.image_url.url : part.image_url, `${where}.image_url`);
		case "file":
		case "input_file":
		case "document":
			return toFile(part, where);
		case "audio":
			return {
				type: "audio",
				mediaType: mediaTypeAt(part.mediaType, `${where}.mediaType`),
				data: dataAt(part.data, `${where}.data`),
			};
		case "input_audio":
			return toAudio(part.input_audio, `${where}.input_audio`);
		default:
			throw new UsageError(`${where}.type must be text, image, file or audio, not ${kindOf(part.type)}`);
	}
}

/** Our own image, or Anthropic's with a `source`. */
function toImage(part: Json, where: string): ContentPart {
	const { source } = part;
	if (isObject(source)) {
		if (source.type === "url") return imageOfUrl(source.url, `${where}.source.url`);
		return { type: "image", ...base64At(source, `${where}.source`) };
	}
	if (part.url !== undefined) {
		const image = imageOfUrl(part.url, `${where}.url`);
		return typeof part.mediaType === "string" ? { mediaType: part.mediaType, ...image } : image;
	}
	return {
		type: "image",
		mediaType: mediaTypeAt(part.mediaType, `${where}.mediaType`),
		data: dataAt(part.data, `${where}.data`),
	};
}

function imageOfUrl(value: unknown, where: string): ImagePart {
	const url = textAt(value, where);
	if (url.startsWith("data:")) return { type: "image", ...dataUrlAt(url, where) };
	if (!/^https?:\/\//i.test(url))
		throw new UsageError(`${where} must be an http(s) or data URL: "${url.slice(0, 80)}"`);
	return { type: "image", url };
}

/** Our own file, OpenAI's with a `file`, or Anthropic's document with a `source`. */
function toFile(part: Json, where: string): ContentPart {
	const { source } = part;
	if (isObject(source)) {
		if (source.type === "text") return { type: "text", text: textAt(source.data, `${where}.source.data`) };
		if (source.type !== "base64")
			throw new UsageError(
				`${where}.source must hold the document itself (base64), not ${kindOf(source.type)}`,
			);
		return { type: "file", ...base64At(source, `${where}.source`), ...filename(part.title) };
	}
	const file = isObject(part.file) ? part.file : part;
	if (file.file_id !== undefined)
		throw new UsageError(`${where}: ids of uploaded files are not supported; attach the file itself`);
	if (file.file_data !== undefined) {
		const data = textAt(file.file_data, `${where}.file_data`);
		return { type: "file", ...dataUrlAt(data, `${where}.file_data`), ...filename(file.filename) };
	}
	return {
		type: "file",
		mediaType: mediaTypeAt(part.mediaType, `${where}.mediaType`),
		data: dataAt(part.data, `${where}.data`),
		...filename(part.filename),
	};
}

function toAudio(audio: unknown, where: string): ContentPart {
	if (!isObject(audio)) throw new UsageError(`${where} must be an object, not ${kindOf(audio)}`);
	const format = textAt(audio.format, `${where}.format`);
	const mediaType = format === "mp3" ? "audio/mpeg" : mediaTypeAt(`audio/${format}`, `${where}.format`);
	return { type: "audio", mediaType, data: dataAt(audio.data, `${where}.data`) };
}

function base64At(source: Json, where: string): { mediaType: string; data: string } {
	return {
		mediaType: mediaTypeAt(source.media_type, `${where}.media_type`),
		data: dataAt(source.data, `${where}.data`),
	};
}

function dataUrlAt(url: string, where: string): { mediaType: string; data: string } {
	const comma = url.indexOf(",");
	const head = url.slice(0, Math.min(comma, 200));
	if (!url.startsWith("data:") || comma === -1 || !head.endsWith(";base64"))
		throw new UsageError(`${where} must be a data URL in base64 (data:TYPE;base64,…)`);
	return {
		mediaType: mediaTypeAt(head.slice("data:".length).split(";")[0], where),
		data: dataAt(url.slice(comma + 1), where),
	};
}

function filename(value: unknown): { filename?: string } {
	return typeof value === "string" && value !== "" ? { filename: value } : {};
}

function mediaTypeAt(value: unknown, where: string): string {
	if (typeof value === "string" && /^[a-z]+\/[a-z0-9.+-]+$/i.test(value)) return value;
	throw new UsageError(`${where} must be a media type such as image/png, not ${kindOf(value)}`);
}

function dataAt(value: unknown, where: string): string {
	const data = textAt(value, where);
	if (data === "") throw new UsageError(`${where} must not be empty`);
	return data;
}

export function textAt(value: unknown, where: string): string {
	if (typeof value === "string") return value;
	throw new UsageError(`${where} must be a string, not ${kindOf(value)}`);
}

export function isObject(value: unknown): value is Json {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A value in a message for people: short texts themselves, else what they are. */
export function kindOf(value: unknown): string {
	if (value === undefined) return "missing";
	if (value === null) return "null";
	if (Array.isArray(value)) return "a list";
	return typeof value === "string" ? JSON.stringify(value.slice(0, 40)) : `a ${typeof value}`;
}
