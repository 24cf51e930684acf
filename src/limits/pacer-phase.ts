/**
 * `start` until the first answer; `open` leaves it to others (headers, the number in flight); `try` finds out whether a
 * cut helps; `hold` keeps to a limit and feels its way up; `climb` doubles, because the limit was disproved.
 */
export type PacerPhase = "start" | "open" | "try" | "hold" | "climb";

/** In words, why a request has to wait for the rate. */
export const phaseReasons: Readonly<Record<PacerPhase, string>> = {
	start: "waiting for the first answers",
	open: "spreading what the account has saved up",
	try: "trying whether fewer requests are refused at a lower rate",
	hold: "held at the rate the server lets through",
	climb: "looking for a higher rate",
};

/** What a pacer goes back to when a cut was of no use. Rates are per second. */
export interface PacerState {
	readonly phase: PacerPhase;
	readonly rate: number;
	readonly limit: number | undefined;
}
