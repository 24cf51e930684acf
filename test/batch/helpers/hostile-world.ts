import { expect } from "vitest";
import { LlmxError } from "../../../src/errors.ts";
import { answer, type FakeOutcome, failure, names, runFake, withRows } from "./fake-run.ts";
import { fileError, MemoryFiles } from "./memory-files.ts";
import { seededRandom } from "./random.ts";

type Random = () => number;
type Act = (files: MemoryFiles, path: string, random: Random) => void;

const bytesOf = (files: MemoryFiles, path: string) => Buffer.from(files.content.get(path)?.bytes ?? "");
const somewhere = (size: number, random: Random) => Math.floor(random() * (size + 1));

function append(text: string): Act {
	return (files, path) => files.edit(path, Buffer.concat([bytesOf(files, path), Buffer.from(text)]));
}

/** What others do to a file that no record is lost by, whatever comes after. */
const harmless: Readonly<Record<string, Act>> = {
	append: append("a note\n"),
	link: (files, path) => void files.content.set("a second name", files.content.get(path) as never),
	chmod: (files, path) => {
		(files.content.get(path) as { mode: number }).mode = 0;
	},
};

/** What the private copy is for. */
const destructive: Readonly<Record<string, Act>> = {
	"append without a newline": append("a torn note"),
	"append zeros": append("\0\0\0\0"),
	// As another run does that a lock does not reach.
	"append a record": (files, path, random) => {
		const record = bytesOf(files, path).toString("utf8").split("\n").findLast(isReadable);
		if (record !== undefined) append(`${record}\n`)(files, path, random);
	},
	"insert a newline": (files, path, random) => {
		const bytes = bytesOf(files, path);
		const at = somewhere(bytes.length, random);
		files.edit(path, Buffer.concat([bytes.subarray(0, at), Buffer.from("\n"), bytes.subarray(at)]));
	},
	"flip a byte": (files, path, random) => {
		const bytes = bytesOf(files, path);
		if (bytes.length === 0) return;
		const at = Math.min(bytes.length - 1, somewhere(bytes.length, random));
		bytes[at] = (bytes[at] ?? 0) ^ 0x20;
		files.edit(path, bytes);
	},
	truncate: (files, path, random) => {
		const bytes = bytesOf(files, path);
		files.edit(path, bytes.subarray(0, somewhere(bytes.length, random)));
	},
	"write the same again": (files, path) => files.edit(path, bytesOf(files, path)),
	remove: (files, path) => void files.content.delete(path),
	rename: (files, path) => {
		files.content.set("moved away", files.content.get(path) as never);
		files.content.delete(path);
	},
	"rename over": (files, path) => files.set(path, "somebody's own\n"),
};

/** A copy of what a killed process leaves behind. */
function survivors(files: MemoryFiles): MemoryFiles {
	const copy = new MemoryFiles();
	for (const [path, { bytes }] of files.content) copy.set(path, bytes);
	return copy;
}

interface World {
	files: MemoryFiles;
	/** By id, how often it was sent, and how often that could not be helped. */
	readonly sent: Map<string, number>;
	readonly excused: Map<string, number>;
	/** Ids that the server has answered, and whose answer reached the process before it was killed. */
	readonly answered: Set<string>;
	readonly log: string[];
}

const count = (map: Map<string, number>, id: string) => map.set(id, (map.get(id) ?? 0) + 1);

/** Ids of every line in a file that can be read. */
function readable(files: MemoryFiles, path: string): string[] {
	return idsOf(linesOf(files, path));
}

const linesOf = (files: MemoryFiles, path: string) => (files.text(path) ?? "").split("\n");

function idsOf(lines: readonly string[]): string[] {
	return lines.flatMap((line) => {
		try {
			return [(JSON.parse(line) as { id: string }).id];
		} catch {
			return [];
		}
	});
}

/** One run while others have their way with its files. Undefined when it was killed, or refused to begin. */
async function run(world: World, random: Random, calm: boolean, ids: readonly string[]) {
	const { files, sent, answered, log } = world;
	const theme = calm
		? "calm"
		: (["kill", "destroy", "destroy", "full", "touch"][Math.floor(random() * 5)] as string);
	// How many operations a run has is not known before; those that come too late do nothing.
	const at = (most: number) => 1 + Math.floor(random() * most);
	const moments = new Map<number, () => void>();
	let left: { files: MemoryFiles; recorded: Set<string>; sentBefore: string[] } | undefined;
	const sentNow: string[] = [];
	const toSome = (acts: Readonly<Record<string, Act>>) => {
		const [name, act] = Object.entries(acts)[Math.floor(random() * Object.keys(acts).length)] as [
			string,
			Act,
		];
		moments.set(at(60 + ids.length), () => {
			const path = random() < 0.8 ? "out" : "errors";
			if (!files.content.has(path)) return;
			log.push(`${name} ${path}`);
			act(files, path, random);
		});
	};
	if (theme === "destroy")
		for (let acts = at(3); acts > 0; acts -= 1) toSome({ ...destructive, ...harmless });
	if (theme === "touch") for (let acts = at(3); acts > 0; acts -= 1) toSome(harmless);
	if (theme === "kill") {
		if (random() < 0.3) toSome({ link: harmless.link as Act });
		moments.set(at(80 + ids.length * 2), () => {
			log.push("kill");
			const recorded = new Set(readable(files, "out"));
			left ??= { files: survivors(files), recorded, sentBefore: [...sentNow] };
		});
	}
	let fullFor = 0;
	if (theme === "full") {
		moments.set(at(60 + ids.length), () => {
			log.push("full");
			fullFor = at(20);
		});
	}
	// A run that has nothing to send only looks, and keeps no copy.
	const isMissing = new Set(readable(files, "out")).size < ids.length;
	let holdsThem = false;
	let acting = false;
	files.onOperation = (number, name, path = "") => {
		if (acting) return;
		acting = true;
		const before = holdsThem ? [] : linesOf(files, "out");
		moments.get(number)?.();
		const kept = new Set(holdsThem ? [] : linesOf(files, "out"));
		// What others destroy before the run has a copy of it, or in a run that only looks, it can but notice.
		for (const id of idsOf(before.filter((line) => !kept.has(line)))) {
			answered.delete(id);
			count(world.excused, id);
		}
		acting = false;
		if (fullFor > 0 && name === "write" && !path.startsWith("elsewhere")) {
			fullFor -= 1;
			throw fileError("ENOSPC");
		}
	};
	files.operations = 0;
	let outcome: FakeOutcome | undefined;
	try {
		outcome = await runFake(files, {
			width: 1 + Math.floor(random() * 8),
			retryFailed: true,
			rescueFolders: ["elsewhere"],
			onOpened: () => {
				holdsThem = isMissing;
			},
			answer: ({ row }) => {
				if (random() < 0.05) {
					// A failed row is sent again when that is asked for.
					count(world.excused, row.id);
					throw failure("not this time");
				}
				if (left === undefined) answered.add(row.id);
				return answer(`to ${row.id}`);
			},
			onSend: ({ row }) => {
				if (left !== undefined) return;
				sentNow.push(row.id);
				count(sent, row.id);
			},
		});
	} catch (error) {
		if (!(error instanceof LlmxError)) throw error;
		log.push(`refused: ${error.message}`);
	} finally {
		files.onOperation = () => {};
	}
	if (left !== undefined) {
		// What was on its way, or had come and was not written, at a kill may be sent again.
		for (const id of left.sentBefore) {
			if (left.recorded.has(id)) continue;
			count(world.excused, id);
			answered.delete(id);
		}
		world.files = left.files;
		return undefined;
	}
	expect(files.openHandles, log.join(", ")).toBe(0);
	return outcome;
}

/** What a person does who reads the last message. */
function obey(world: World, outcome: FakeOutcome | undefined): void {
	const { files } = world;
	const [, bad, number] = /refused: (out|errors):(\d+): this line is not/.exec(world.log.at(-1) ?? "") ?? [];
	if (bad !== undefined) {
		const lines = (files.text(bad) ?? "").split("\n");
		files.set(bad, lines.toSpliced(Number(number) - 1, 1).join("\n"));
		// A record that others have damaged before the run had a copy of it.
		for (const id of bad === "out" ? idsOf([lines[Number(number) - 1] ?? ""]) : []) {
			world.answered.delete(id);
			count(world.excused, id);
		}
	}
	for (const note of outcome?.notes ?? []) {
		const [, from, to] = / are in (\S+); move it to (\S+) before/.exec(note) ?? [];
		if (from === undefined || to === undefined) continue;
		files.set(to, files.text(from) ?? "");
		files.content.delete(from);
	}
	for (const note of outcome?.notes ?? []) {
		const [, from] = / had no room for are in (\S+); add them/.exec(note) ?? [];
		if (from === undefined) continue;
		files.set("out", `${files.text("out") ?? ""}${files.text(from)}`);
		files.content.delete(from);
	}
	for (const path of ["out", "errors"]) {
		const text = files.text(path);
		if (text === undefined) continue;
		const lines = text.split("\n").slice(0, -1);
		const kept = lines.filter((line) => isReadable(line));
		const torn = text.slice(text.lastIndexOf("\n") + 1);
		if (kept.length < lines.length) files.set(path, kept.map((line) => `${line}\n`).join("") + torn);
	}
}

function isReadable(line: string): boolean {
	try {
		return typeof (JSON.parse(line) as { id?: unknown }).id === "string";
	} catch {
		return false;
	}
}

/** Files that a message names, and those that a run always has. */
function named({ notes, stopped }: FakeOutcome): string[] {
	const text = [...notes, stopped ?? ""].join("\n");
	return ["out", "errors", ...(text.match(/[\w./-]+\.jsonl/g) ?? [])];
}

/**
 * Runs a batch to its end in a world where others kill it, fill its disk and have their way with its files, at any
 * point from its first operation to its last. Whatever they do: every answer that came is readable in a file that the last message names, nothing is sent
 * twice but what was on its way at a kill, and only a complete and whole results file is called a success.
 */
export async function surviveHostileWorld(seed: number): Promise<void> {
	const random = seededRandom(seed * 7919 + 1);
	for (let warmUp = 0; warmUp < 5; warmUp += 1) random();
	const ids = names(8 + Math.floor(random() * 50));
	const world: World = {
		files: withRows(ids),
		sent: new Map(),
		excused: new Map(),
		answered: new Set(),
		log: [`seed ${seed}`],
	};
	for (let attempt = 1; attempt <= 12; attempt += 1) {
		const outcome = await run(world, random, attempt > 4, ids);
		const story = () => world.log.join(", ");
		if (outcome !== undefined) {
			world.log.push(`exit ${outcome.exitCode} ${outcome.stopped ?? ""} ${outcome.notes.join("; ")}`);
			const found = new Set(named(outcome).flatMap((path) => readable(world.files, path)));
			for (const id of world.answered) expect(found.has(id), `${id} is lost: ${story()}`).toBe(true);
			if (outcome.exitCode === 0) {
				expect(readable(world.files, "out"), story()).toEqual(ids);
				expect(world.files.text("out")?.split("\n"), story()).toHaveLength(ids.length + 1);
				break;
			}
		}
		obey(world, outcome);
		expect(attempt, story()).toBeLessThan(12);
	}
	for (const [id, times] of world.sent) {
		const what = `${id} was sent ${times} times: ${world.log.join(", ")}`;
		expect(times, what).toBeLessThanOrEqual(1 + (world.excused.get(id) ?? 0));
	}
}
