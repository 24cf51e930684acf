import type { MatchKind } from "../../batch/expectation.ts";
import type { HaltPolicy } from "../../batch/halt.ts";
import type { InputFormat } from "../../prompts/input.ts";
import type { OutputFormat } from "../../results/records.ts";
import type { ParameterFlags } from "../parameter-options.ts";
import type { Shard } from "./shards/shard.ts";

/** What commander collects for `batch`. */
export interface BatchFlags extends ParameterFlags {
	readonly model?: readonly string[];
	readonly output?: string;
	readonly format?: InputFormat;
	/** False for `--no-header`. */
	readonly header: boolean;
	readonly outFormat: OutputFormat;
	readonly system?: string;
	readonly template?: string;
	readonly column: string;
	/** False for `--no-id`. */
	readonly id?: string | false;
	readonly paramsFromColumns?: boolean;
	readonly expect?: string;
	readonly match: MatchKind;
	/** A share, 0 to 1. */
	readonly failUnder?: number;
	readonly preset?: string;
	readonly var?: Readonly<Record<string, string>>;
	readonly answers: number;
	readonly allowFiles?: string;
	readonly limit?: number;
	readonly shard?: Shard;
	/** A URL, or a file that holds one. */
	readonly share?: string;
	readonly shareAs?: string;
	readonly stopAll?: boolean;
	readonly concurrency?: number;
	readonly rpm?: number;
	readonly tpm?: number;
	readonly maxRetries?: number;
	readonly timeout?: number;
	readonly stream?: boolean;
	readonly maxCost?: number;
	readonly maxDuration?: number;
	readonly halt?: HaltPolicy;
	readonly dryRun?: boolean;
	readonly rehearse?: boolean;
	readonly answerSeconds?: number;
	readonly retryFailed?: boolean;
	readonly overwrite?: boolean;
	readonly yes?: boolean;
	readonly overBudget?: boolean;
	/** False for `--no-cache`. */
	readonly cache: boolean;
	readonly refresh?: boolean;
	readonly cacheOnly?: boolean;
	readonly schemaForm?: "field" | "prompt";
	/** False for `--no-prompt-cache`. */
	readonly promptCache: boolean;
	/** False for `--no-escape-formulas`. */
	readonly escapeFormulas: boolean;
	readonly report?: boolean;
	readonly summaryJson?: string;
	readonly flex?: boolean;
	readonly viaJobs?: boolean;
	readonly detach?: boolean;
	readonly finishLive?: boolean;
	readonly jobRows?: number;
	/** Seconds. */
	readonly poll?: number;
	readonly notify?: string;
	readonly quiet?: boolean;
}

/** The same before a job array was asked which shard it is. */
export interface GivenFlags extends Omit<BatchFlags, "shard"> {
	readonly shard?: Shard | "auto";
	/** Of a job array that does not say it. */
	readonly shards?: number;
}
