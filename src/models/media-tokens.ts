/**
 * How many tokens images, documents and sound come to, by the family of the model. Sources: the vision and PDF pages
 * of OpenAI, Anthropic, Gemini, Mistral, xAI and Together, and measurements in OpenAI's forum where those say less.
 */
import type { ContentPart } from "../types.ts";
import { audioSeconds, type ImageSize, imageSize, pdfPages } from "./media-size.ts";

/** What is only known to lie between two figures. */
export interface Range {
	readonly low: number;
	readonly high: number;
}

interface Family {
	/** Of `provider/modelId` in lower case. */
	readonly names: RegExp;
	/** Tokens of an image; without a size those of the largest one. */
	readonly image: (size: ImageSize | undefined) => Range;
	/** Tokens of a page of a PDF: its text, and its picture where that is counted. */
	readonly page: Range;
	readonly perSecond: number;
}

const exactly = (tokens: number): Range => ({ low: tokens, high: tokens });
const upTo = (low: number, high: number): Range => ({ low, high });

/** OpenAI's tiles of 512 pixels: the image is made to fit 2048 x 2048, then its shorter side 768. */
function tiles({ width, height }: ImageSize): number {
	const fit = Math.min(1, 2048 / Math.max(width, height));
	const short = Math.min(1, 768 / (Math.min(width, height) * fit));
	const scale = fit * short;
	return Math.ceil((width * scale) / 512) * Math.ceil((height * scale) / 512);
}

/** The most tiles that an image can have: 2048 x 768. */
const mostTiles = 8;

const byTiles =
	(base: number, tile: number) =>
	(size: ImageSize | undefined): Range =>
		size === undefined ? upTo(base, base + tile * mostTiles) : upTo(base, base + tile * tiles(size));

/** OpenAI's patches of 32 pixels, up to a most of them, times a factor of the model. */
const byPatches =
	(most: number, factor: number) =>
	(size: ImageSize | undefined): Range => {
		const patches = size === undefined ? most : Math.ceil(size.width / 32) * Math.ceil(size.height / 32);
		const tokens = Math.ceil(Math.min(patches, most) * factor);
		// Less detail than the most may be looked at.
		return upTo(size === undefined ? 0 : Math.floor(Math.min(tokens, 1536) / 4), tokens);
	};

/** Anthropic: pixels / 750, up to what the model sees of an image. */
const byArea =
	(most: number) =>
	(size: ImageSize | undefined): Range =>
		size === undefined ? upTo(0, most) : upTo(0, Math.min(most, Math.ceil((size.width * size.height) / 700)));

/** Gemini 2: 258 for a small image, else for each tile of 768 pixels or less. */
function geminiTiles(size: ImageSize | undefined): Range {
	if (size === undefined) return upTo(258, 258 * 40);
	const { width, height } = size;
	if (width <= 384 && height <= 384) return exactly(258);
	const unit = Math.min(768, Math.max(256, Math.floor(Math.min(width, height) / 1.5)));
	return upTo(258, 258 * Math.ceil(width / unit) * Math.ceil(height / unit));
}

/** What a page of text holds, dense ones included. */
const pageText = 1_500;

/** The first family that a name belongs to counts. */
const families: readonly Family[] = [
	{
		names: /^openai\/gpt-4o-mini/,
		image: byTiles(2833, 5667),
		page: upTo(100, pageText + 2833 + 5667 * 4),
		perSecond: 10,
	},
	{
		names: /^openai\/(?:gpt-4\.1-mini|gpt-5-mini)/,
		image: byPatches(1536, 1.62),
		page: upTo(100, pageText + 2489),
		perSecond: 10,
	},
	{
		names: /^openai\/(?:gpt-4\.1-nano|gpt-5-nano)/,
		image: byPatches(1536, 2.46),
		page: upTo(100, pageText + 3779),
		perSecond: 10,
	},
	{
		names: /^openai\/o4-mini/,
		image: byPatches(1536, 1.72),
		page: upTo(100, pageText + 2642),
		perSecond: 10,
	},
	{
		names: /^openai\/(?:gpt-4|chatgpt|o\d|gpt-5(?:$|-chat|-20))/,
		image: byTiles(85, 170),
		page: upTo(100, pageText + 1445),
		perSecond: 10,
	},
	// Newer models see up to 10,000 patches of an image in its original size.
	{ names: /^openai\//, image: byPatches(10_000, 1.2), page: upTo(100, pageText + 3_000), perSecond: 10 },
	{
		names: /^anthropic\/claude-(?:3|.*-4-[0-6](?:$|-)|.*-4$|.*-4-20)/,
		image: byArea(1_640),
		page: upTo(300, 3_000 + 1_640),
		perSecond: 0,
	},
	{ names: /^anthropic\//, image: byArea(4_900), page: upTo(300, 3_000 + 4_900), perSecond: 0 },
	{ names: /^gemini\/gemini-[12]/, image: geminiTiles, page: exactly(258), perSecond: 33 },
	{ names: /^gemini\//, image: () => upTo(280, 2_300), page: upTo(258, 1_150), perSecond: 33 },
	{ names: /^mistral\//, image: () => upTo(64, 4_400), page: upTo(100, 4_000), perSecond: 25 },
	{ names: /^xai\//, image: () => upTo(256, 1_800), page: upTo(100, 4_000), perSecond: 0 },
];

/** Vision models of unknown family: patches of 28 pixels as those of Qwen, and at least what Together bills. */
const anyFamily: Family = {
	names: /./,
	image: (size) =>
		upTo(
			64,
			size === undefined
				? 16_384
				: Math.min(16_384, Math.max(6_404, Math.ceil(size.width / 28) * Math.ceil(size.height / 28))),
		),
	page: upTo(100, 5_000),
	perSecond: 50,
};

/** OpenRouter and LiteLLM name the vendor, `google` for Gemini, before the model. */
function familyOf(provider: string, modelId: string): Family {
	const id = modelId.toLowerCase();
	const name = id.includes("/")
		? id
				.replace(/^google\//, "gemini/")
				.replace(/^x-ai\//, "xai/")
				.replace(/^mistralai\//, "mistral/")
		: `${provider}/${id}`;
	const plain = name.startsWith("anthropic/") ? name.replaceAll(".", "-") : name;
	return families.find(({ names }) => names.test(plain)) ?? anyFamily;
}

/** Bytes of a page of a PDF whose pages cannot be counted: fewer are hardly a page. */
const leastBytesPerPage = 1_000;

export interface MediaTokens extends Range {
	/** Part of the tokens is of sound, which may have a price of its own. */
	readonly isAudio: boolean;
}

const known = new WeakMap<ContentPart, Map<Family, MediaTokens>>();

/** Tokens of an image, document or sound between two bounds. */
export function mediaTokens(
	part: Exclude<ContentPart, { type: "text" }>,
	provider: string,
	modelId: string,
): MediaTokens {
	const family = familyOf(provider, modelId);
	let byFamily = known.get(part);
	if (byFamily === undefined) {
		byFamily = new Map();
		known.set(part, byFamily);
	}
	let tokens = byFamily.get(family);
	if (tokens === undefined) {
		tokens = count(part, family);
		byFamily.set(family, tokens);
	}
	return tokens;
}

function count(part: Exclude<ContentPart, { type: "text" }>, family: Family): MediaTokens {
	switch (part.type) {
		case "image":
			return { ...family.image(part.data === undefined ? undefined : imageSize(part.data)), isAudio: false };
		case "file": {
			const pages = pdfPages(part.data);
			const most = pages ?? Math.max(1, Math.ceil((part.data.length * 3) / 4 / leastBytesPerPage));
			return { low: family.page.low * (pages ?? 1), high: family.page.high * most, isAudio: false };
		}
		case "audio": {
			const perSecond = family.perSecond === 0 ? anyFamily.perSecond : family.perSecond;
			// Some count no less than half a minute.
			const high = Math.ceil(Math.max(30, audioSeconds(part.data)) * perSecond);
			return { low: 0, high, isAudio: true };
		}
	}
}
