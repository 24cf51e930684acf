import type { Reporter, TestModule } from "vitest/node";

/** Says at the end of a run how many tests were skipped for what reason, so that a green run hides nothing. */
export class SkippedReporter implements Reporter {
	onTestRunEnd(modules: readonly TestModule[]): void {
		const counts = new Map<string, number>();
		for (const module of modules) {
			// A filter of names (`-t`) skips what whoever runs it did not ask for.
			const filtered = module.project.globalConfig.testNamePattern !== undefined;
			for (const { fullName } of module.children.allTests("skipped")) {
				const reason = /\[skipped: (.*?)\]/.exec(fullName)?.[1];
				if (reason === undefined && filtered) continue;
				const key = reason ?? "for no reason that is given";
				counts.set(key, (counts.get(key) ?? 0) + 1);
			}
		}
		for (const [reason, count] of counts) {
			process.stdout.write(`skipped ${count} ${count === 1 ? "test" : "tests"}: ${reason}\n`);
		}
	}
}
