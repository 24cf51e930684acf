import fc from "fast-check";

/** Text of any characters, well-formed. fast-check's own `unit: "binary"` takes most of a second to begin with. */
export function anyText(maxLength?: number): fc.Arbitrary<string> {
	const character = fc.oneof(fc.nat(0x7f), fc.nat(0xffff), fc.nat(0x10ffff));
	return fc
		.array(character, maxLength === undefined ? {} : { maxLength })
		.map((codes) => String.fromCodePoint(...codes).toWellFormed());
}
