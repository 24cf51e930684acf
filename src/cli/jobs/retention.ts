import { providerRows } from "../../index.ts";
import type { JobRecord } from "../../jobs/job-log.ts";
import { isVanishing, keptUntil, retentionOf } from "../../jobs/retention.ts";
import { formatDuration } from "../../terminal/formats.ts";
import type { CommandContext } from "../command.ts";

/** For how long the provider of a job keeps its results. */
export interface Kept {
	/** Ms since 1970, at least; null when nobody says. */
	readonly until: number | null;
	/** Half of the time or more is over. */
	readonly isVanishing: boolean;
	/** In words, to stand behind "results are kept". */
	readonly text: string;
}

/** `createdAt` in ms since 1970; 0 when it is not known. */
export function keptOf(
	{ provider, submittedAt }: Pick<JobRecord, "provider" | "submittedAt">,
	{ settings }: Pick<CommandContext, "settings">,
	now: number,
	createdAt = submittedAt,
): Kept {
	const row = providerRows(settings.providers).find(({ id }) => id === provider);
	const retention = row?.jobs ? retentionOf(row.jobs) : null;
	const until = keptUntil(createdAt, retention);
	return { until, isVanishing: isVanishing(createdAt, retention, now), text: textOf() };

	function textOf(): string {
		const label = row?.label ?? provider;
		if (retention === null) return `for a time that ${label} does not state`;
		if (until === null) return `for ${retention.days} days`;
		if (until <= now) return `no longer, maybe: ${label} promises ${retention.days} days`;
		const day = new Date(until).toISOString().slice(0, 10);
		return `until ${day} at least (${formatDuration(until - now, { coarse: true })})`;
	}
}
