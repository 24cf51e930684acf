import { expect, it } from "vitest";
import { ArrayOfTasks, awsBatch, endOf, kubernetes, merge, shards, slurm } from "../helpers/array-tasks.ts";

it.each([
	["kubernetes.yaml", kubernetes],
	["slurm.sbatch", slurm],
	["aws-batch.json", awsBatch],
])("%s answers each row once, also when tasks are killed", async (_name, task) => {
	const array = await ArrayOfTasks.create();
	const killed = new Set([2, 5, 7]);
	expect(await array.run(task, killed)).toEqual(Array(shards).fill(0));
	expect(await endOf(array.start(merge()))).toBe(0);
	array.expectAnswered(killed.size);
});
