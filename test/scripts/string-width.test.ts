import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import stringWidth from "string-width";
import { expect, it } from "vitest";
import { stringWidth as plugin } from "../../scripts/bundle/packages.ts";

it("counts the columns of emoji and others in the bundle as the package does by itself", async () => {
	const { outputFiles } = await esbuild.build({
		stdin: {
			contents: 'export { default } from "string-width";',
			resolveDir: fileURLToPath(new URL("..", import.meta.url)),
		},
		bundle: true,
		format: "esm",
		write: false,
		plugins: [plugin],
		inject: [fileURLToPath(new URL("../../src/providers/web-globals.ts", import.meta.url))],
		define: { "Intl.Segmenter": "LateSegmenter" },
	});
	const text = outputFiles[0]?.text ?? "";
	expect(text).toContain("rgiEmojiRegex ??=");
	const url = `data:text/javascript;base64,${Buffer.from(text).toString("base64")}`;
	const { default: bundled } = (await import(/* @vite-ignore */ url)) as { default: typeof stringWidth };
	const texts = ["a", "👨‍👩‍👧", "🇩🇪", "1️⃣", "模型", "é", "e\u0301", "👍🏽", "\u200b", "two words", "", "😀😀"];
	expect(texts.map((one) => bundled(one))).toEqual(texts.map((one) => stringWidth(one)));
});
