import { hash } from "node:crypto";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** So many files, of those that took longest in the last run, are begun with: none of them is waited for at the end. */
const longest = 20;

/** The order of all other files is one that the seed decides, so that what only works in one order is found. */
export class LongestFirst extends BaseSequencer {
	override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
		const sorted = await super.sort(files);
		const { seed } = this.ctx.config.sequence;
		const placed = sorted
			.slice(longest)
			.map((file) => ({ file, place: hash("sha1", `${seed} ${file.moduleId}`) }));
		placed.sort((one, other) => (one.place < other.place ? -1 : 1));
		return [...sorted.slice(0, longest), ...placed.map(({ file }) => file)];
	}
}
