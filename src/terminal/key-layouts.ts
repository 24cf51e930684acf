/**
 * Keyboard layouts without Latin letters, key by key beside the Latin one. A terminal that reports keys by their code
 * point (kitty's protocol) may not say which key it was; a shortcut is meant by its place on the keyboard.
 */
const layouts: readonly (readonly [string, string])[] = [
	// Russian, Ukrainian, Belarusian
	["йцукенгшщзхъфывапролджэячсмитьбюё", "qwertyuiop[]asdfghjkl;'zxcvbnm,.`"],
	["ієїґў", "s']\\o"],
	// Bulgarian (phonetic) and Serbian where they differ
	["љњертзуиопшђасдфгхјклчћжѕџцвбнм", "qwertzuiop[]asdfghjkl;'\\zxcvbnm"],
	// Greek
	["ςερτυθιοπασδφγηξκλζχψωβνμ", "wertyuiopasdfghjklzxcvbnm"],
	// Hebrew
	["קראטוןםפשדגכעיחלךףזסבהנמצתץ", "ertyuiopasdfghjkl;zxcvbnm,."],
	// Arabic
	["ضصثقفغعهخحجدشسيبلاتنمكطئءؤرىةوزظ", "qwertyuiop[]asdfghjkl;'zxcvnm,./"],
	// Persian
	["چگپژ", "]'\\c"],
	// Korean
	["ㅂㅈㄷㄱㅅㅛㅕㅑㅐㅔㅁㄴㅇㄹㅎㅗㅓㅏㅣㅋㅌㅊㅍㅠㅜㅡ", "qwertyuiopasdfghjklzxcvbnm"],
	// Thai
	["ๆไำพะัีรนยบลฟหกดเ้่าสวงผปแอิืทมใฝ", "qwertyuiop[]asdfghjkl;'zxcvbnm,./"],
	// Georgian
	["ქწერტყუიოპასდფგჰჯკლზხცვბნმ", "qwertyuiopasdfghjklzxcvbnm"],
];

const keys = new Map<string, string>();
for (const [own, latin] of layouts) {
	for (const [index, character] of [...own].entries())
		if (!keys.has(character)) keys.set(character, latin[index] ?? character);
}

/** The Latin character on the key that types `character`; the character itself when that is not known. */
export function latinKey(character: string): string {
	return keys.get(character.toLowerCase()) ?? character;
}
