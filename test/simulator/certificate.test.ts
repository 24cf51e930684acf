import { X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import { pem, selfSignedCertificate } from "../../src/simulator/certificate.ts";

describe("a certificate", () => {
	it("is read by OpenSSL, and signed by its own key", () => {
		const certificate = new X509Certificate(selfSignedCertificate().cert);
		expect(certificate.subject).toBe("CN=llmx simulator");
		expect(certificate.verify(certificate.publicKey)).toBe(true);
	});

	// A signature is now and then a byte or two shorter: about one certificate in 300 fills its last line.
	it.each(Array.from({ length: 8 }, (_, index) => 284 + index))("of %i bytes has no empty line", (length) => {
		const text = pem("CERTIFICATE", Buffer.alloc(length, 1));
		const lines = text.split("\n").slice(1, -2);
		expect(lines.every((line) => line.length > 0 && line.length <= 64)).toBe(true);
		expect(Buffer.from(lines.join(""), "base64")).toHaveLength(length);
	});
});
