import { RequestError } from "../errors.ts";
import { classify } from "../providers/classify.ts";
import { readErrorBody } from "../providers/error-body.ts";
import type { ProviderRow } from "../providers/provider-row.ts";
import type { JobResult } from "./contract.ts";

type FailedResult = Pick<Extract<JobResult, { ok: false }>, "status" | "error" | "reason">;

/** Why a row of a job has no answer, classified as if it had been sent by itself. */
export function rowFailure(
	provider: ProviderRow,
	modelId: string,
	{ status, error, reason }: FailedResult,
): RequestError {
	if (reason !== "failed")
		return new RequestError(`${provider.label}: the job ${reason} before it came to this row`, {
			provider: provider.id,
			errorClass: "incomplete",
			advice: { retry: "always", key: "keep" },
			maybeBilled: false,
		});
	const detail = readErrorBody(error);
	return classify({
		provider,
		modelId,
		detail,
		// An error without a status is one of the row: the job itself was worked on.
		status: status ?? (detail.status !== undefined && detail.status >= 400 ? detail.status : 400),
		retryForbidden: false,
		afterMs: undefined,
		keys: [],
	});
}
