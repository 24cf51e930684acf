import { expect } from "vitest";
import { LlmxError } from "../../../src/errors.ts";
import { answer, type FakeOutcome, failure, names, runFake } from "./fake-run.ts";
import { fileError, MemoryFiles } from "./memory-files.ts";
import { seededRandom } from "./random.ts";

type Random = () => number;
type Act = (files: MemoryFiles, path: string, random: Random) => void;

const bytesOf = (files: MemoryFiles, path: string) => Buffer.from(files.content.get(path)?.bytes ?? "");
const pick = <T>(choices: readonly T[], random: Random) =>
	choices[Math.floor(random() * choices.length)] as T;
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

/** What a disk answers that takes nothing for a while, and to which operations. */
const illnesses: Readonly<Record<string, readonly string[]>> = {
	ENOSPC: ["write"],
	EDQUOT: ["write", "datasync"],
	EIO: ["write", "datasync", "truncate"],
	EROFS: ["write", "truncate", "open", "rename", "link", "remove"],
};

/** A copy of what a killed process leaves behind. */
function survivors(files: MemoryFiles): MemoryFiles {
	const copy = new MemoryFiles();
	for (const [path, { bytes }] of files.content) copy.set(path, bytes);
	return copy;
}

interface World {
	files: MemoryFiles;
	/** By question, how often it was sent, and how often that could not be helped. */
	readonly sent: Map<string, number>;
	readonly excused: Map<string, number>;
	/** Questions that the server has answered, and whose answer reached the process before it was killed. */
	readonly answered: Set<string>;
	readonly log: string[];
}

/** What a row asks, which its author changes between runs, and back. */
const questionOf = (id: string, draft: number) => `${id} as of draft ${draft}`;

/** Where answers are while nothing goes wrong. */
const homes = ["out", "superseded"];

const count = (map: Map<string, number>, question: string) => map.set(question, (map.get(question) ?? 0) + 1);

/** The questions of every answer in a file that can be read. */
function readable(files: MemoryFiles, ...paths: string[]): string[] {
	return paths.flatMap((path) => questionsIn(linesOf(files, path)));
}

const linesOf = (files: MemoryFiles, path: string) => (files.text(path) ?? "").split("\n");

function questionsIn(lines: readonly string[]): string[] {
	return lines.flatMap((line) => {
		try {
			const { text } = JSON.parse(line) as { text?: string };
			return text === undefined ? [] : [text.slice("to ".length)];
		} catch {
			return [];
		}
	});
}

type Ending = Pick<FakeOutcome, "exitCode" | "stopped" | "notes">;

/** One run while others have their way with its files. Undefined when it was killed. */
async function run(world: World, random: Random, calm: boolean, questions: readonly string[]) {
	const { files, sent, answered, log } = world;
	const theme = calm ? "calm" : pick(["kill", "destroy", "destroy", "ill", "touch"], random);
	// How many operations a run has is not known before; those that come too late do nothing.
	const at = (most: number) => 1 + Math.floor(random() * most);
	const moments = new Map<number, () => void>();
	let left: { files: MemoryFiles; recorded: Set<string>; sentBefore: string[] } | undefined;
	const sentNow: string[] = [];
	const toSome = (acts: Readonly<Record<string, Act>>) => {
		const [name, act] = pick(Object.entries(acts), random);
		moments.set(at(60 + questions.length), () => {
			const path = pick(["out", "out", "out", "errors", "superseded"], random);
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
		moments.set(at(80 + questions.length * 2), () => {
			log.push("kill");
			const recorded = new Set(readable(files, ...homes));
			left ??= { files: survivors(files), recorded, sentBefore: [...sentNow] };
		});
	}
	let failures = 0;
	const [illness, refused] = pick(Object.entries(illnesses), random);
	// The disk of the next folder may have the same.
	const well = pick(["elsewhere", "refuge"], random);
	if (theme === "ill") {
		moments.set(at(60 + questions.length), () => {
			log.push(`${illness}, but for ${well}`);
			failures = at(20);
		});
	}
	// A run that has nothing to send only looks, and keeps no copy.
	const answers = new Set(readable(files, ...homes));
	const isMissing = questions.some((question) => !answers.has(question));
	let holdsThem = false;
	let acting = false;
	files.onOperation = (number, name, path = "") => {
		if (acting) return;
		acting = true;
		const act = moments.get(number);
		const unheld = holdsThem ? ["superseded"] : homes;
		const lines = () => (act === undefined ? [] : unheld.flatMap((path) => linesOf(files, path)));
		const before = lines();
		act?.();
		const kept = new Set(lines());
		// What others destroy of what the run has no copy of, or in a run that only looks, it can but notice.
		for (const question of questionsIn(before.filter((line) => !kept.has(line)))) {
			answered.delete(question);
			count(world.excused, question);
		}
		acting = false;
		const isSafe = path === "" || path.startsWith(well) || path.startsWith("refuge");
		if (failures > 0 && refused.includes(name) && !isSafe) {
			failures -= 1;
			throw fileError(illness);
		}
	};
	files.operations = 0;
	let ending: Ending;
	try {
		ending = await runFake(files, {
			width: 1 + Math.floor(random() * 8),
			retryFailed: true,
			rescueFolders: ["elsewhere", "refuge"],
			onOpened: () => {
				holdsThem = isMissing;
			},
			answer: ({ row: { prompt } }) => {
				const question = prompt?.text ?? "";
				if (random() < 0.05) {
					// A failed row is sent again when that is asked for.
					count(world.excused, question);
					throw failure("not this time");
				}
				if (left === undefined) answered.add(question);
				return answer(`to ${question}`);
			},
			onSend: ({ row: { prompt } }) => {
				if (left !== undefined) return;
				const question = prompt?.text ?? "";
				sentNow.push(question);
				count(sent, question);
			},
		});
	} catch (error) {
		if (!(error instanceof LlmxError)) throw error;
		ending = { exitCode: error.exitCode, stopped: `refused: ${error.message}`, notes: [] };
	} finally {
		files.onOperation = () => {};
	}
	if (left !== undefined) {
		// What was on its way, or had come and was not written, at a kill may be sent again.
		for (const question of left.sentBefore) {
			if (left.recorded.has(question)) continue;
			count(world.excused, question);
			answered.delete(question);
		}
		world.files = left.files;
		return undefined;
	}
	expect(files.openHandles, log.join(", ")).toBe(0);
	return ending;
}

/** What a person does who reads the last message. */
function obey(world: World, { stopped = "", notes }: Ending): void {
	const { files } = world;
	const [, bad, number] = /refused: (\w+):(\d+): this line is not/.exec(stopped) ?? [];
	if (bad !== undefined) {
		const lines = linesOf(files, bad);
		files.set(bad, lines.toSpliced(Number(number) - 1, 1).join("\n"));
		// A record that others have damaged before the run had a copy of it.
		for (const question of questionsIn([lines[Number(number) - 1] ?? ""])) {
			world.answered.delete(question);
			count(world.excused, question);
		}
	}
	for (const note of [stopped, ...notes]) {
		const [, from, to = "out"] = / are in (\S+?)(?:; move it to (\S+) before.*)?$/.exec(note) ?? [];
		if (from === undefined) continue;
		files.set(to, files.text(from) ?? "");
		files.content.delete(from);
	}
	for (const note of notes) {
		const [, from] = / could not be written to \S+ are in (\S+); add them/.exec(note) ?? [];
		if (from === undefined) continue;
		files.set("out", `${files.text("out") ?? ""}${files.text(from)}`);
		files.content.delete(from);
	}
	for (const path of [...homes, "errors"]) {
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
		return typeof idOf(line) === "string";
	} catch {
		return false;
	}
}

const idOf = (line: string) => (JSON.parse(line) as { id?: unknown }).id;

/** Files that a message names, and those that a run always has. */
function named({ notes, stopped = "" }: Ending): string[] {
	const text = [...notes, stopped].join("\n");
	return [...homes, ...(text.match(/[\w./-]+\.jsonl/g) ?? [])];
}

/**
 * Runs a batch to its end in a world where others kill it, fill its disk and have their way with its files, at any
 * point from its first operation to its last, and where its author changes the prompts between runs. Whatever they do:
 * every answer that came is readable in a file that the last message names, nothing is sent twice but what was on its
 * way at a kill, and only a complete and whole results file is called a success.
 */
export async function surviveHostileWorld(seed: number): Promise<void> {
	const random = seededRandom(seed * 7919 + 1);
	for (let warmUp = 0; warmUp < 5; warmUp += 1) random();
	const drafts = new Map(names(8 + Math.floor(random() * 50)).map((id) => [id, 0]));
	const questions = () => [...drafts].map(([id, draft]) => questionOf(id, draft));
	const world: World = {
		files: new MemoryFiles(),
		sent: new Map(),
		excused: new Map(),
		answered: new Set(),
		log: [`seed ${seed}`],
	};
	const story = () => world.log.join(", ");
	for (let attempt = 1; attempt <= 12; attempt += 1) {
		if (attempt > 1 && attempt < 5 && random() < 0.5) {
			world.log.push("other drafts");
			for (const id of drafts.keys()) if (random() < 0.3) drafts.set(id, Math.floor(random() * 3));
		}
		const rows = [...drafts].map(([id, draft]) => ({ id, prompt: questionOf(id, draft) }));
		world.files.set("in", rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
		const ending = await run(world, random, attempt > 4, questions());
		if (ending !== undefined) {
			world.log.push(`exit ${ending.exitCode} ${ending.stopped ?? ""} ${ending.notes.join("; ")}`);
			const found = new Set(readable(world.files, ...named(ending)));
			for (const question of world.answered)
				expect(found.has(question), `${question} is lost: ${story()}`).toBe(true);
			if (ending.exitCode === 0) {
				const lines = linesOf(world.files, "out");
				expect(lines.pop(), story()).toBe("");
				expect(lines.map(idOf), story()).toEqual([...drafts.keys()]);
				const inPlace = new Set(questionsIn(lines));
				for (const question of questions())
					if (world.answered.has(question)) expect(inPlace.has(question), story()).toBe(true);
				if (attempt > 4) break;
			}
			obey(world, ending);
		}
		expect(attempt, story()).toBeLessThan(12);
	}
	for (const [question, times] of world.sent) {
		const what = `${question} was sent ${times} times: ${story()}`;
		expect(times, what).toBeLessThanOrEqual(1 + (world.excused.get(question) ?? 0));
	}
}
