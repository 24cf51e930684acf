import type { Reporter, TestCase, TestModule } from "vitest/node";

/** Says at the end of a run how many tests were skipped for what reason, so that a green run hides nothing. */
export class SkippedReporter implements Reporter {
	onTestRunEnd(modules: readonly TestModule[]): void {
		const counts = new Map<string, number>();
		for (const module of modules) {
			for (const test of module.children.allTests("skipped")) {
				if (wasLeftOut(test)) continue;
				const reason = /\[skipped: (.*?)\]/.exec(test.fullName)?.[1] ?? "for no reason that is given";
				counts.set(reason, (counts.get(reason) ?? 0) + 1);
			}
		}
		for (const [reason, count] of counts) {
			process.stdout.write(`skipped ${count} ${count === 1 ? "test" : "tests"}: ${reason}\n`);
		}
	}
}

/** Tests that a filter of names (`-t`) leaves out are skipped too, by whoever runs them. */
function wasLeftOut(test: TestCase): boolean {
	return test.project.globalConfig.testNamePattern !== undefined && test.options.mode !== "skip";
}
