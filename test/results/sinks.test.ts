import { expect, it } from "vitest";
import type { Checked } from "../../src/results/checked.ts";
import { recordFormats } from "../../src/results/records.ts";
import { RowIndex } from "../../src/results/row-index.ts";
import { FileSink } from "../../src/results/sinks.ts";
import { MemoryFiles } from "../batch/helpers/memory-files.ts";

const output = {
	...{ results: "out", failures: "errors", resultsName: "out", failuresName: "errors" },
	superseded: "superseded",
	supersededName: "superseded",
	rescueFolders: [],
};

it("an interrupted row is missing, with its record kept; a failed one has failed", async () => {
	const files = new MemoryFiles();
	const index = new RowIndex(1, "m");
	const [failed, interrupted, answered] = ["a", "b", "c"].map((id) => {
		index.claimId(id);
		return index.claim(id, "m");
	}) as [number, number, number];
	const nothing = { size: 0, checksum: 0, unended: false, tornBytes: 0, records: 0, exists: false };
	const checked = { index, missing: 3, results: nothing, failures: nothing } as unknown as Checked;
	const onTrouble = () => {};
	const sink = new FileSink({ files, output, checked, format: recordFormats.llmx, onTrouble });
	sink.failure(failed, "the record of a", false);
	sink.failure(interrupted, "the record of b", true);
	sink.result(answered, "the record of c");
	await sink.close();
	sink.dispose();
	expect([failed, interrupted, answered].map((row) => index.state(row))).toEqual([
		"failed",
		"missing",
		"done",
	]);
	expect(files.text("errors")).toBe("the record of a\nthe record of b\n");
	expect(files.text("out")).toBe("the record of c\n");
});
