/** What a question takes along because its text names it: `@path`, `@folder`, `@src/*.ts`, `@https://…`. */

import { globSync, statSync } from "node:fs";
import { extname, join, relative } from "node:path";
import { UsageError } from "../errors.ts";
import { formatPlural } from "../terminal/formats.ts";
import { type Attachment, readAnyFile, readAttachment, readUrlText } from "./content.ts";
import type { ChatHost } from "./host.ts";
import { pathsIn, resolvePath } from "./input/spelled-paths.ts";

/** More files than this are most likely a slip. */
const mostFiles = 100;
/** Somebody waits at the screen for it. */
export const downloadTimeoutMs = 30_000;

const mention = /(?<![^\s(])@(?:"([^"\n]+)"|((?:\\ |[^\s"])+))/g;
const mediaName = /\.(png|jpe?g|gif|webp|pdf|wav|mp3|flac|ogg|m4a)$/i;
const ignored = new Set(["node_modules", ".git", "dist", "__pycache__", ".venv"]);

/** The files and pages that a text mentions. What is not a file or address stays plain text: `@ada`. */
export async function mentionedIn(
	text: string,
	host: ChatHost,
	options: { readonly passImagesOn: boolean; readonly onNote: (note: string) => void },
): Promise<Attachment[]> {
	const found: Attachment[] = [];
	for (const [, quoted, bare = ""] of text.matchAll(mention)) {
		const name = quoted ?? bare.replace(/[,;:!?)]+$/, "");
		if (/^https?:\/\//i.test(name)) {
			const download = { ...options, timeoutMs: downloadTimeoutMs };
			const isMedia = mediaName.test(name.replace(/[?#].*$/, ""));
			found.push(await (isMedia ? readAttachment(name, host.folder, download) : readUrlText(name, download)));
			continue;
		}
		const files = filesOf(name, host.folder) ?? filesOf(name.replace(/\.+$/, ""), host.folder);
		for (const file of files ?? []) found.push(await readAnyFile(file, host.folder));
	}
	return found;
}

/** The files that a path, folder or pattern stands for; undefined when it stands for none. */
export function filesOf(name: string, folder: string): string[] | undefined {
	if (name === "") return undefined;
	const path = resolvePath(name, folder);
	const stat = statSync(path, { throwIfNoEntry: false });
	if (stat?.isFile()) return [name];
	let files: string[];
	if (stat?.isDirectory()) files = filesIn(path).map((file) => relative(folder, file));
	else if (/[*?[{]/.test(name))
		files = globSync(name, { cwd: folder }).filter((file) => isText(join(folder, file)));
	else return undefined;
	if (files.length === 0) throw new UsageError(`@${name} has no files`);
	if (files.length > mostFiles)
		throw new UsageError(`@${name} is ${formatPlural(files.length, "file")}, more than ${mostFiles}`, {
			hint: "name a smaller folder or pattern",
		});
	return files.sort();
}

function filesIn(folder: string): string[] {
	return globSync("**/*", {
		cwd: folder,
		exclude: (name) => ignored.has(name.replace(/^.*[/\\]/, "")),
	})
		.map((file) => join(folder, file))
		.filter(isText);
}

/** A file whose name does not say that it is something else than text. */
function isText(file: string): boolean {
	const isBinary = /^\.(zip|gz|tgz|exe|so|o|class|jar|woff2?|ico|sqlite|db|bin|mp4|mov|DS_Store)$/i;
	return !isBinary.test(extname(file)) && statSync(file, { throwIfNoEntry: false })?.isFile() === true;
}

/** The pictures, PDFs and sounds whose paths are the whole text, as a terminal inserts them when they are dropped. */
export function droppedFiles(text: string, folder: string): readonly string[] {
	const line = text.trim();
	if (line === "" || line.includes("\n") || line.length > 4_096) return [];
	const paths = pathsIn(line, folder);
	const isMedia = (path: string) =>
		mediaName.test(path) && statSync(path, { throwIfNoEntry: false })?.isFile() === true;
	return paths.every((path) => isMedia(resolvePath(path, folder))) ? paths : [];
}
