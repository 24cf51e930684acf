import { describe, expect, it } from "vitest";
import { Halt } from "../../src/batch/halt.ts";
import { answer, failure, idsIn, runFake } from "./helpers/fake-run.ts";
import { fileError, MemoryFiles } from "./helpers/memory-files.ts";

const names = (count: number) => Array.from({ length: count }, (_, index) => `r${index}`);

function withRows(count: number): MemoryFiles {
	const files = new MemoryFiles();
	files.set(
		"in",
		names(count)
			.map((id) => `${JSON.stringify({ id, prompt: `p ${id}` })}\n`)
			.join(""),
	);
	return files;
}

/** A copy of what a killed process leaves behind: everything that was written, nothing that was meant to be. */
function survivors(files: MemoryFiles): MemoryFiles {
	const copy = new MemoryFiles();
	for (const [path, { bytes }] of files.content) copy.set(path, bytes);
	return copy;
}

const someFail = ({ row }: { row: { id: string } }) => {
	if (row.id === "r5" || row.id === "r11") throw failure("no");
	return answer(`to ${row.id}`);
};

describe("a process killed between any two operations on files", () => {
	it("loses no answer that was written, and sends at most what was in flight again", async () => {
		const rows = 16;
		const width = 4;
		const rehearsal = withRows(rows);
		await runFake(rehearsal, { width, answer: someFail });
		for (let kill = 1; kill <= rehearsal.operations; kill++) {
			const files = withRows(rows);
			let left: MemoryFiles | undefined;
			const sentBefore: string[] = [];
			files.onOperation = (number) => {
				if (number === kill) left = survivors(files);
			};
			await runFake(files, {
				width,
				answer: someFail,
				onSend: ({ row }) => {
					if (left === undefined) sentBefore.push(row.id);
				},
			});
			const found = left as MemoryFiles;
			const again = await runFake(found, { width, answer: someFail });
			expect(idsIn(found, "out").toSorted()).toEqual(
				names(rows)
					.filter((id) => id !== "r5" && id !== "r11")
					.toSorted(),
			);
			expect(idsIn(found, "errors").toSorted()).toEqual(["r11", "r5"]);
			const twice = again.sent.filter((id) => sentBefore.includes(id));
			expect(twice.length).toBeLessThanOrEqual(width);
			expect(again).toMatchObject({ missing: 0, failed: 2, exitCode: 1 });
			// In order at last, also when the kill came while the files were being put in order.
			expect(idsIn(found, "out")).toEqual(idsIn(rehearsal, "out"));
		}
	});
});

describe("a file system whose Nth operation fails", () => {
	it("ends the run with an error and whole files, for every N, and the next run completes it", async () => {
		const rehearsal = withRows(12);
		await runFake(rehearsal, { answer: someFail, table: "out.csv" });
		let clean = 0;
		for (let fail = 1; fail <= rehearsal.operations; fail++) {
			const files = withRows(12);
			let failed = "";
			files.onOperation = (number, name) => {
				if (number !== fail) return;
				failed = name;
				throw fileError(name === "write" ? "ENOSPC" : "EIO");
			};
			let exitCode: number;
			try {
				({ exitCode } = await runFake(files, { answer: someFail, table: "out.csv" }));
			} catch (error) {
				exitCode = (error as { exitCode?: number }).exitCode ?? -1;
				// Reading the input is the one thing that fails in the file system's own words.
				if (exitCode === -1) expect(failed).toBe("read");
			}
			expect(exitCode).not.toBe(0);
			files.onOperation = () => {};
			expect(files.openHandles).toBe(0);
			const before = idsIn(files, "out");
			const again = await runFake(files, { answer: someFail, table: "out.csv" });
			expect(again.sent.filter((id) => before.includes(id))).toEqual([]);
			expect(again).toMatchObject({ exitCode: 1, missing: 0, failed: 2 });
			expect(idsIn(files, "out")).toEqual(idsIn(rehearsal, "out"));
			expect(files.text("out.csv")).toBe(rehearsal.text("out.csv"));
			clean += 1;
		}
		expect(clean).toBe(rehearsal.operations);
	});

	it("ends it just so when the disk stays full", async () => {
		const files = withRows(40);
		files.onOperation = (_number, name) => {
			const isFull = (files.text("out") ?? "").split("\n").length > 10;
			if (name === "write" && isFull) throw fileError("ENOSPC");
		};
		const outcome = await runFake(files, { width: 4 });
		expect(outcome).toMatchObject({ exitCode: 1, stopped: "cannot write out: the disk is full" });
		expect(outcome.sent.length).toBeLessThanOrEqual(16);
		// Four come at a time.
		expect(idsIn(files, "out")).toHaveLength(12);
	});
});

describe("a results file cut in its last record", () => {
	it("costs at most that record", async () => {
		const whole = withRows(5);
		await runFake(whole);
		const bytes = Buffer.from(whole.text("out") as string);
		const start = bytes.lastIndexOf("\n", bytes.length - 2) + 1;
		const beforeEnd = bytes.length - 3;
		for (let length = start; length < bytes.length; length += length < beforeEnd ? 3 : 1) {
			const files = withRows(5);
			files.set("out", bytes.subarray(0, length));
			const { sent } = await runFake(files);
			expect(sent).toEqual(length === bytes.length - 1 ? [] : ["r4"]);
			expect(files.text("out")).toBe(whole.text("out"));
		}
	});
});

describe("a run whose files another process has taken over while it slept", () => {
	it("sends nothing more, and leaves the files alone: what still comes goes beside them", async () => {
		const files = withRows(20);
		let isHeld = true;
		let taken = "";
		const halt = new Halt(() => {
			if (!isHeld) halt.soon({ text: "another process is using out", exitCode: 1 });
		});
		const run = await runFake(files, {
			width: 4,
			halt,
			claim: { isHeld: () => isHeld },
			rescueFolders: ["elsewhere"],
			onSend: ({ row: { id } }) => {
				if (id !== "r9") return;
				isHeld = false;
				// The heir puts the file in order, and its own in its place.
				taken = `${files.text("out")}`;
				files.set("out", taken);
				files.set(".out.inflight", '+["r9","m"]\n');
			},
		});
		expect(run.exitCode).toBe(1);
		expect(run.sent).not.toContain("r10");
		expect(files.text("out")).toBe(taken);
		expect(files.text(".out.inflight")).toContain("r9");
		const [, count, name = ""] = /^(\d+) results that .* are in (\S+);/.exec(run.notes.join("\n")) ?? [];
		const kept = (files.text(name) ?? "").split("\n").filter((line) => line !== "");
		expect(kept).toHaveLength(Number(count));
		expect(run.overflowed).toBe(kept.length);
		// Every answer that came is in one of the two.
		expect(kept.length + taken.split("\n").length - 1).toBe(run.sent.length);
	});
});
