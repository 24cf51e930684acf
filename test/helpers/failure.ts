/** The error that a promise rejects with. */
// biome-ignore lint/suspicious/noExplicitAny: tests look at fields of several error classes.
export async function failureOf(promise: Promise<unknown>): Promise<any> {
	try {
		await promise;
	} catch (error) {
		return error;
	}
	throw new Error("expected a failure");
}
