import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { performance } from "node:perf_hooks";
import { pathToFileURL } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type ReportOptions, writeReport } from "../../src/report/write.ts";
import { systemFiles } from "../../src/state/file-system.ts";
import { describeWith } from "../helpers/skipping.ts";
import { failureLine, hostileTexts, resultLine } from "./records.ts";

/** .ci/run tries a hundred thousand. */
const rowCount = Number(process.env.REPORT_ROWS ?? 10_000);

const names = ["chromium", "chromium-browser", "google-chrome"];
const executable = (process.env.PATH ?? "")
	.split(delimiter)
	.flatMap((folder) => names.map((name) => join(folder, name)))
	.find((path) => existsSync(path));

describeWith(executable !== undefined, "no Chromium is installed (apt-get install chromium)")(
	"the report in a browser",
	() => {
		let browser: Browser;
		let folder: string;
		beforeAll(async () => {
			folder = mkdtempSync(join(tmpdir(), "llmx-report-"));
			browser = await chromium.launch({
				executablePath: executable as string,
				// Root has no sandbox in a container, and /dev/shm is small there.
				args: ["--no-sandbox", "--disable-dev-shm-usage"],
				timeout: 60_000,
			});
		}, 90_000);
		afterAll(async () => {
			await browser?.close();
			rmSync(folder, { recursive: true, force: true });
		});

		/** Writes a report and opens it; what the page complains of or asks for goes to `noises`. */
		const open = async (lines: Iterable<string>, more: Partial<ReportOptions> = {}) => {
			const results = join(folder, "results.jsonl");
			writeFileSync(results, [...lines].join(""));
			const path = join(folder, "report.html");
			const { rows, bytes } = writeReport({
				files: systemFiles,
				sources: [{ path: results, name: "results.jsonl" }],
				path,
				name: "report.html",
				title: "results",
				timeline: undefined,
				now: new Date(),
				...more,
			});
			const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
			page.setDefaultTimeout(60_000);
			const noises: string[] = [];
			page.on("console", (message) => noises.push(message.text()));
			page.on("pageerror", (error) => noises.push(error.message));
			page.on("dialog", (dialog) => noises.push(dialog.message()));
			page.on("request", (request) => {
				if (!request.url().startsWith("file:")) noises.push(request.url());
			});
			const startedAt = performance.now();
			await page.goto(pathToFileURL(path).href);
			await page.waitForSelector(".list-row");
			return {
				page,
				noises,
				rows,
				bytes,
				openedMs: performance.now() - startedAt,
				size: statSync(results).size,
			};
		};
		const statusOf = async (page: Page, text: RegExp) => {
			await page.waitForFunction(
				(source) => new RegExp(source).test(document.getElementById("status")?.textContent ?? ""),
				text.source,
			);
		};

		it("opens many rows, searches them, and reaches the last one", async () => {
			const inWords = rowCount.toLocaleString("en-US");
			const lines = (function* () {
				for (let at = 1; at <= rowCount; at++) {
					yield resultLine({
						id: String(at),
						text: `answer ${at % 977} of a model, as long as most`,
						latency_ms: at % 3000,
					});
				}
			})();
			const { page, noises, bytes, openedMs, size } = await open(lines);
			process.stderr.write(
				`report of ${inWords} rows: opened in ${Math.round(openedMs)} ms, ${(bytes / size).toFixed(2)} x the results\n`,
			);
			expect(bytes).toBeLessThan(size * 1.2);
			await statusOf(page, new RegExp(`^${inWords} rows$`));
			await page.fill("#choose-search", "answer 976 ");
			await statusOf(page, new RegExp(`^${Math.floor((rowCount + 1) / 977)} of ${inWords} rows$`));
			await page.click("button[type=reset]");
			await statusOf(page, new RegExp(`^${inWords} rows$`));
			await page.focus(".list");
			await page.keyboard.press("End");
			expect(await page.getAttribute(".list", "aria-activedescendant")).toBe(`row-${rowCount - 1}`);
			expect(await page.locator("[aria-selected=true]").boundingBox()).not.toBeNull();
			expect(await page.locator(".list-row").count()).toBeLessThan(60);
			expect(await page.textContent("#detail h2")).toBe(`Row ${rowCount}`);
			expect(noises).toEqual([]);
			await page.close();
		}, 120_000);

		it("only shows what hostile answers hold", async () => {
			const lines = hostileTexts.flatMap((text, at) => [
				resultLine({ id: `${at} ${text.slice(0, 40)}`, text, metadata: { text: text.slice(0, 99) } }),
				resultLine({ id: `${at} ${text.slice(0, 40)}`, model: text.slice(0, 60), text: `other ${text}` }),
			]);
			const { page, noises } = await open([
				...lines,
				failureLine({ id: "f", error: { class: "<b>", message: hostileTexts[0] } }),
			]);
			await page.focus(".list");
			for (let row = 0; row <= hostileTexts.length; row++) {
				await page.keyboard.press(row === 0 ? "Home" : "ArrowDown");
				expect(await page.locator("#detail script, #detail img, .list script, .list img").count()).toBe(0);
			}
			await page.keyboard.press("Home");
			expect(await page.textContent("#detail pre")).toBe(hostileTexts[0]);
			for (let row = 0; row < 3; row++) await page.keyboard.press("ArrowDown");
			expect(await page.textContent("#detail pre")).toContain("[U+202E]right to left");
			await page.fill("#choose-search", "xxxxxxxx");
			await statusOf(page, /^1 of 10 rows$/);
			await page.focus(".list");
			await page.keyboard.press("Home");
			await page.click("#detail button");
			expect((await page.textContent("#detail pre"))?.length).toBe(1 << 20);
			expect(await page.title()).toBe("results");
			expect(noises).toEqual([]);
			await page.close();
		}, 120_000);

		it("shows models side by side with the words that differ, filters, sorts, prints, and goes dark", async () => {
			const lines = ["one", "two", "three"].flatMap((id, at) => [
				resultLine({ id, model: "a", text: `the quick ${id} fox`, cost_usd: 0.01 * (at + 1), pass: at > 0 }),
				resultLine({ id, model: "b", text: `the slow ${id} fox`, latency_ms: 3000 - 1000 * at }),
			]);
			const timeline = {
				interval_seconds: 1,
				answered: [2, 3, 1],
				failed: [0, 1, 0],
				refusals_429: [0, 2, 0],
			};
			const { page, noises } = await open([...lines, failureLine({ id: "four", model: "b" })], { timeline });
			await statusOf(page, /^4 rows$/);
			expect(await page.locator("#charts svg").count()).toBe(4);
			expect(await page.getAttribute("#charts figure:last-child svg", "aria-label")).toBe(
				"Throughput: 6 answers, 1 failures and 2 refusals (429) in 3 s",
			);
			expect(await page.locator("#detail ins").allTextContents()).toEqual(["slow"]);
			expect(await page.locator("#detail del").allTextContents()).toEqual(["quick"]);
			await page.uncheck("#differences");
			expect(await page.locator("#detail ins").count()).toBe(0);
			await page.selectOption("#choose-sort", "cost");
			await page.check("#choose-descending");
			await page.waitForFunction(() => document.querySelector(".list-row .id")?.textContent === "three");
			await page.selectOption("#choose-pass", "fail");
			await statusOf(page, /^1 of 4 rows$/);
			await page.click("summary:has-text('rate limit')");
			await page.click("#failures button");
			await statusOf(page, /^1 of 4 rows$/);
			expect(await page.textContent(".list-row .id")).toBe("four");
			const light = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
			await page.emulateMedia({ colorScheme: "dark" });
			expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).not.toBe(light);
			await page.emulateMedia({ media: "print" });
			expect(await page.isVisible(".toolbar")).toBe(false);
			expect(await page.isVisible("table")).toBe(true);
			expect(await page.isVisible("#detail h2")).toBe(true);
			expect(noises).toEqual([]);
			await page.close();
		}, 120_000);

		it("can be used by keyboard and screen reader", async () => {
			const { page } = await open([resultLine({ id: "one" }), resultLine({ id: "two" })]);
			const unnamed = await page.evaluate(() =>
				[...document.querySelectorAll("input, select, button, [role=listbox], [role=region], svg")]
					.filter((control) => {
						const labels = "labels" in control ? (control.labels as NodeList | null) : null;
						return !control.getAttribute("aria-label") && !labels?.length && !control.textContent?.trim();
					})
					.map((control) => control.outerHTML),
			);
			expect(unnamed).toEqual([]);
			await page.focus(".list");
			await page.keyboard.press("ArrowDown");
			await page.keyboard.press("ArrowDown");
			const option = page.locator('[role=option][aria-selected="true"]');
			expect(await option.getAttribute("aria-posinset")).toBe("2");
			expect(await option.getAttribute("aria-setsize")).toBe("2");
			expect(await page.locator("#status").getAttribute("role")).toBe("status");
			await page.setViewportSize({ width: 390, height: 800 });
			await page.keyboard.press("Enter");
			expect(await page.evaluate(() => document.activeElement?.id)).toBe("detail");
			expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
			await page.close();
		}, 120_000);
	},
);
