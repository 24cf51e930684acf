/** The fractions of the cube roots of the first 64 primes. */
const roundConstants = new Uint32Array([
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98,
	0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
	0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8,
	0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
	0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819,
	0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
	0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2,
]);
/** Those of the square roots of the first 8. */
const initialState = [
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
];

/**
 * SHA-256 of a text as UTF-8, in hexadecimal, as node:crypto computes it. For a short text it is there long before
 * node:crypto is loaded, which takes 6 ms; a process that hashes much is better served by that.
 */
export function sha256(text: string): string {
	const bytes = padded(text);
	const state = Uint32Array.from(initialState);
	const schedule = new Uint32Array(64);
	for (let offset = 0; offset < bytes.length; offset += 64) {
		for (let index = 0; index < 16; index++) schedule[index] = bytes.readUInt32BE(offset + 4 * index);
		mix(state, schedule);
	}
	return Array.from(state, (word) => word.toString(16).padStart(8, "0")).join("");
}

/** The bytes of a text, a one bit, zeros and the length in bits, in blocks of 64 bytes. */
function padded(text: string): Buffer {
	const length = Buffer.byteLength(text);
	const bytes = Buffer.alloc(Math.ceil((length + 9) / 64) * 64);
	bytes.write(text, "utf8");
	bytes[length] = 0x80;
	bytes.writeUInt32BE(Math.floor(length / 2 ** 29), bytes.length - 8);
	bytes.writeUInt32BE((length << 3) >>> 0, bytes.length - 4);
	return bytes;
}

/** One block into the state. `schedule` begins with its 16 words. */
function mix(state: Uint32Array, schedule: Uint32Array): void {
	for (let index = 16; index < 64; index++) {
		const near = at(schedule, index - 2);
		const far = at(schedule, index - 15);
		const nearMix = rotate(near, 17) ^ rotate(near, 19) ^ (near >>> 10);
		const farMix = rotate(far, 7) ^ rotate(far, 18) ^ (far >>> 3);
		schedule[index] = at(schedule, index - 16) + farMix + at(schedule, index - 7) + nearMix;
	}
	let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
	for (let index = 0; index < 64; index++) {
		const choice = (e & f) ^ (~e & g);
		const mixed = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
		const first = h + mixed + choice + at(roundConstants, index) + at(schedule, index);
		const majority = (a & b) ^ (a & c) ^ (b & c);
		const second = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + majority;
		h = g;
		g = f;
		f = e;
		e = (d + first) | 0;
		d = c;
		c = b;
		b = a;
		a = (first + second) | 0;
	}
	const ends = [a, b, c, d, e, f, g, h];
	for (let index = 0; index < 8; index++) state[index] = at(state, index) + (ends[index] as number);
}

function at(words: Uint32Array, index: number): number {
	return words[index] as number;
}

function rotate(word: number, bits: number): number {
	return (word >>> bits) | (word << (32 - bits));
}
