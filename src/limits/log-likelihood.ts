/** Of `refused` among `sent`, when each is refused with this probability. */
export function logLikelihood(sent: number, refused: number, share: number): number {
	const bounded = Math.min(1 - 1e-6, Math.max(1e-6, share));
	return refused * Math.log(bounded) + (sent - refused) * Math.log(1 - bounded);
}
