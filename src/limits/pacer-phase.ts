/**
 * `start` until the first answer; `open` leaves it to others (headers, the number in flight); `hold` keeps to a limit and feels its way up; `period` uses up at once what comes back all at once; `climb` doubles, because the limit was disproved.
 */
export type PacerPhase = "start" | "open" | "hold" | "period" | "climb";

/** In words, why a request has to wait for the rate. */
export const phaseReasons: Readonly<Record<PacerPhase, string>> = {
	start: "waiting for the first answers",
	open: "spreading what the account has saved up",
	hold: "held at the rate the server lets through",
	period: "waiting until what the server lets through at once is back",
	climb: "looking for a higher rate",
};
