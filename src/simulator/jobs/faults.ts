/** What goes wrong with a job, and what that is. */
export const jobFaultTable = {
	"late-file": "the uploaded file is not found by the first two that ask for it",
	"no-file": "the first upload is answered with 200, and names no file",
	"short-file": "the uploaded file is said to be smaller than it is, once",
	lost: "created, and then the connection is cut before the answer",
	"created-500": "created, and answered with 500",
	"500": "not created, and answered with 500",
	hidden: "not found by the first three looks and lists",
	expire: "ends when half of its rows are done; the others expired",
	stuck: "never comes to an end",
	fail: "refused as a whole, after it was accepted",
	"queue-late": "accepted, and then refused for want of room in the queue",
	queue: "refused at once for want of room in the queue",
	"no-credit": "refused at once: the account has no credit left",
	duplicates: "three results come twice, the second time as failures",
	foreign: "one result is of a row that was never sent",
	"other-ids": "every result has another id than its row was sent with",
	"no-id": "one result comes without the id of its row",
	missing: "one row in ten has no result at all",
	"all-fail": "every row fails, so that there is an error file only",
	credit: "the account runs out of credit half way",
	cut: "the first download of results is cut in the middle",
	"late-results": "the first two downloads of results are answered with 404",
	"html-results": "the first download of results is a page that somebody else answers with, with status 200",
	"short-results": "the first download of results has half of them, and ends as if it were whole",
	"html-status": "the first two looks are answered with a page, with status 200",
	"busy-status": "the first two looks are refused with 429",
	"other-host": "the address of the results has another host (Anthropic)",
	totals: "the job says that it came to more than its rows add up to",
	"new-state": "the first two looks find a state that is in no documentation (OpenAI, Groq)",
} as const satisfies Readonly<Record<string, string>>;

export type JobFault = keyof typeof jobFaultTable;

export function isJobFault(name: string): name is JobFault {
	return Object.hasOwn(jobFaultTable, name);
}

/** The first of a list of them happens to the first job, and so on. */
export const jobFaults = Object.keys(jobFaultTable) as readonly JobFault[];
