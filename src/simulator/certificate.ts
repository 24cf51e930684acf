import { generateKeyPairSync, sign } from "node:crypto";

/** DER tags that a certificate needs. */
const tag = {
	integer: 0x02,
	bits: 0x03,
	oid: 0x06,
	utf8: 0x0c,
	time: 0x17,
	sequence: 0x30,
	set: 0x31,
	version: 0xa0,
};

/**
 * A key and a certificate that nobody has signed but itself, made anew on every start: it exists so that clients
 * can show how they refuse it. Node has no certificate writer, and X.509 without extensions is short.
 */
export function selfSignedCertificate(): { key: string; cert: string } {
	const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
	const ecdsaWithSha256 = der(tag.sequence, oid("1.2.840.10045.4.3.2"));
	const commonName = der(tag.sequence, oid("2.5.4.3"), der(tag.utf8, Buffer.from("llmx simulator")));
	const name = der(tag.sequence, der(tag.set, commonName));
	const validity = der(
		tag.sequence,
		der(tag.time, Buffer.from("200101000000Z")),
		der(tag.time, Buffer.from("491231235959Z")),
	);
	const body = der(
		tag.sequence,
		der(tag.version, der(tag.integer, Buffer.from([0]))),
		der(tag.integer, Buffer.from([1])),
		ecdsaWithSha256,
		name,
		validity,
		name,
		publicKey.export({ type: "spki", format: "der" }),
	);
	const signature = der(tag.bits, Buffer.from([0]), sign("sha256", body, privateKey));
	const certificate = der(tag.sequence, body, ecdsaWithSha256, signature);
	return {
		key: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
		cert: pem("CERTIFICATE", certificate),
	};
}

/** Bytes as PEM: lines of 64 characters, none of them empty, which OpenSSL does not read. */
export function pem(label: string, bytes: Buffer): string {
	const lines = bytes.toString("base64").match(/.{1,64}/g) ?? [];
	return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

function der(type: number, ...parts: Buffer[]): Buffer {
	const content = Buffer.concat(parts);
	const { length } = content;
	const header =
		length < 0x80
			? [type, length]
			: length < 0x100
				? [type, 0x81, length]
				: [type, 0x82, length >> 8, length & 0xff];
	return Buffer.concat([Buffer.from(header), content]);
}

function oid(dotted: string): Buffer {
	const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
	const bytes = [first * 40 + second];
	for (const arc of rest) {
		const septets = [arc & 0x7f];
		for (let value = arc >> 7; value > 0; value >>= 7) septets.unshift((value & 0x7f) | 0x80);
		bytes.push(...septets);
	}
	return der(tag.oid, Buffer.from(bytes));
}
