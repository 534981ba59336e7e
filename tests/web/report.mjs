// SPDX-License-Identifier: GPL-3.0-or-later
// node report.mjs DIR [SHOTS]: opens the reports that make-sample-report wrote to DIR in a headless Chromium, from disk,
// and uses them. With SHOTS, screenshots are put there. Exit code 77: Chromium or playwright-core is not installed.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const chromiumPath = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
let chromium;
try {
  ({ chromium } = createRequire(join(here, "../../web/package.json"))("playwright-core"));
} catch { /* said below */ }
if (!chromiumPath || !chromium) {
  console.log(`skipped: needs ${chromiumPath ? "playwright-core (npm ci in web/)" : "the package chromium"}`);
  process.exit(77);
}
const dir = resolve(process.argv[2] ?? "."), shots = process.argv[3];
if (shots) mkdirSync(shots, { recursive: true });

const browser = await chromium.launch({ executablePath: chromiumPath, args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync"] });
let failed = 0;

async function test(name, { file = "report.html", hash = "", width = 1280, height = 800, scheme = "light", js = true }, run) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, javaScriptEnabled: js });
  const page = await context.newPage();
  const bad = [], url = "file://" + join(dir, file);
  page.on("console", (m) => { if (m.type() !== "log") bad.push(`console: ${m.text()}`); });
  page.on("pageerror", (e) => bad.push(`error: ${e.message}`));
  page.on("dialog", (d) => { bad.push(`dialog: ${d.message()}`); d.dismiss(); });
  page.on("request", (r) => { if (!r.url().startsWith(url) && !r.url().startsWith("data:") && !r.url().startsWith("blob:")) bad.push(`request: ${r.url()}`); });
  try {
    await page.goto(url + hash);
    if (js) await page.waitForSelector("html[data-ready]", { timeout: 30000 });
    await run(page, bad);
    if (shots) await page.screenshot({ path: join(shots, `${name.replace(/\W+/g, "-")}.png`) });
    assert.deepEqual(bad, []);
    console.log(`ok   ${name}`);
  } catch (e) {
    failed++;
    console.log(`FAIL ${name}: ${e.message}\n${bad.join("\n")}`);
  }
  await context.close();
}
/* Drawings take the width of their place one frame after they appear; on failure the culprits are named. */
const inside = async (page) => {
  const fits = () => document.documentElement.scrollWidth <= innerWidth;
  try {
    await page.waitForFunction(fits, undefined, { timeout: 5000 });
    return true;
  } catch {
    console.log(await page.evaluate(() => [...document.querySelectorAll("main *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1)
      .slice(0, 5).map((e) => `${e.tagName} ${e.className?.baseVal ?? e.className} ${e.getBoundingClientRect().right}`)));
    return false;
  }
};
const report = JSON.parse(readFileSync(join(dir, "report.json"), "utf8"));

await test("verdict first", {}, async (p) => {
  assert.match(await p.locator("h1").innerText(), /^Malicious\s+score 100/);
  assert.match(await p.locator(".reason").innerText(), /ransom note/);
  assert.match(await p.locator(".complete").innerText(), /none lost/);
  assert.equal(await p.locator(".advice li").count(), 3);
  assert.ok((await p.locator(".complete").boundingBox()).y < 800, "verdict, advice and completeness are above the fold");
  assert.equal(await p.locator(".tactic").count(), 15);
  assert.ok(await inside(p));
});

await test("process tree", {}, async (p) => {
  const own = report.processes.filter((x) => x.lineage !== "system").length;
  assert.equal(await p.locator(".prow.sample, .prow.adopted").count(), own);
  const row = p.locator(".prow", { hasText: "1010" }).first();
  assert.match(await row.innerText(), /kworker[\s\S]*hides[\s\S]*calls out/);
  await row.click();
  assert.match(p.url(), /p=\d+/);
  assert.match(await p.locator(".inspector").innerText(), /\[kworker\/u8:2\]/);
  assert.ok(await p.locator("#timeline g[data-n]").count() > 5);
  await p.locator(".prow.fold button").first().click();
  assert.ok(await p.locator(".prow.system", { hasText: "systemd-udevd" }).count() >= 6);
  await p.goBack();
  assert.equal(await p.locator(".inspector").count(), 0);
});

await test("finding to event", {}, async (p) => {
  await p.locator(".tech", { hasText: "T1053.003" }).first().click();
  const f = p.locator(".finding.on");
  assert.match(await f.innerText(), /Adds itself to cron/);
  await f.locator(".evidence .link", { hasText: "file.write" }).first().click();
  assert.match(await p.locator(".inspector").innerText(), /\/etc\/cron\.d\/kworker/);
  assert.match(p.url(), /e=\d+/);
  await p.locator(".erow.on").waitFor({ timeout: 3000 });
});

await test("permalink", { hash: "#s=events&e=200" }, async (p) => {
  assert.match(await p.locator(".inspector h2").innerText(), /file\./);
  await p.locator(".erow.on").waitFor({ timeout: 3000 });
});

await test("search", {}, async (p) => {
  await p.keyboard.press("/");
  await p.keyboard.type("cron.d");
  await p.locator(".hits").waitFor();
  assert.match(await p.locator(".hits").innerText(), /Findings[\s\S]*Processes[\s\S]*Files[\s\S]*Events/i);
  await p.keyboard.press("Enter");
  const rows = await p.locator(".erow").count();
  assert.ok(rows > 0 && rows < 15);
  for (const t of await p.locator(".erow .text").allInnerTexts()) assert.match(t, /cron\.d/);
  await p.locator("#event-search").fill("no such thing anywhere");
  assert.match(await p.locator(".vlist").innerText(), /No event matches/);
});

await test("keyboard", {}, async (p) => {
  await p.keyboard.press("g");
  await p.keyboard.press("n");
  assert.match(p.url(), /s=network/);
  await p.keyboard.press("g");
  await p.keyboard.press("p");
  await p.keyboard.press("j");
  await p.keyboard.press("j");
  await p.keyboard.press("Enter");
  assert.equal(await p.locator(".inspector").count(), 1);
  await p.keyboard.press("Escape");
  assert.equal(await p.locator(".inspector").count(), 0);
  await p.keyboard.press("?");
  assert.match(await p.locator("dialog").innerText(), /defanged/);
});

await test("copy defanged", { hash: "#f=0" }, async (p) => {
  await p.evaluate(() => { window.copied = []; Object.defineProperty(navigator, "clipboard", { value: { writeText: async (t) => { window.copied.push(t); } } }); });
  await p.keyboard.press("y");
  await p.keyboard.press("Shift+Y");
  const [safe, raw] = await p.evaluate(() => window.copied);
  assert.match(safe, /update\[\.\]cdn-static\[\.\]example/);
  assert.match(raw, /update\.cdn-static\.example/);
});

await test("hostile names stay text", { hash: "#s=files" }, async (p, bad) => {
  await p.locator("#files input[type=search]").fill("Documents/");
  const more = p.locator("#files > .table > .tool");
  while (await more.count()) await more.click();
  const text = await p.locator("#files").innerText();
  assert.ok(text.includes("<script>alert(1)</script>"));
  assert.ok(text.includes("<img src=x onerror=alert(2)>"));
  assert.ok(text.includes("U+202E"), "a mark instead of turned text");
  assert.ok(text.includes("\\xe9"), "bytes that are not UTF-8 are shown");
  assert.ok(text.includes("\\e"), "escape sequences are shown");
  assert.ok(!/[\u202e\u001b]/.test(await p.locator("#app").innerText()));
  assert.equal(await p.locator("#app script, #app img, #app iframe, #app object").count(), 0);
  assert.deepEqual(bad, []);
  /* were markup ever to get in, the policy would stop it */
  const ran = await p.evaluate(async () => {
    const s = document.createElement("script"), d = document.createElement("div");
    s.textContent = "window.ran = 1";
    d.innerHTML = "<img src='data:,' onerror='window.ran = 2'><iframe src='data:text/html,x'></iframe>";
    document.body.append(s, d);
    await new Promise((r) => setTimeout(r, 200));
    return window.ran;
  });
  assert.equal(ran, undefined);
  assert.ok(bad.length >= 2 && bad.every((b) => /Content Security Policy/.test(b)), bad.join("\n"));
  bad.length = 0;
});

await test("graph", { hash: "#s=graph" }, async (p) => {
  const nodes = await p.locator("#graph .node").count();
  assert.ok(nodes > 8 && nodes <= 60, `${nodes} nodes`);
  assert.match(await p.locator("#graph svg").innerHTML(), /gate\.mail-relay/);
  const [download] = await Promise.all([p.waitForEvent("download"), p.locator("#graph .tool", { hasText: "SVG" }).click()]);
  assert.equal(download.suggestedFilename(), "behaviour.svg");
});

await test("network", { hash: "#s=network" }, async (p) => {
  const t = await p.locator("#network").innerText();
  assert.match(t, /gate\.mail-relay\.example/);
  assert.match(t, /simulated/);
  await p.locator(".exchange").first().locator("summary").click();
  assert.match(await p.locator(".exchange").first().innerText(), /User-Agent: curl/);
});

for (const scheme of ["light", "dark"])
  for (const width of [360, 768, 2560])
    await test(`fits ${width} ${scheme}`, { width, height: 800, scheme }, async (p) => {
      assert.ok(await inside(p), "nothing is wider than the window");
      const [bg, text] = await p.evaluate(() => { const s = getComputedStyle(document.body); return [s.backgroundColor, s.color]; });
      assert.equal(bg === "rgb(255, 255, 255)", scheme === "light");
      const lum = (c) => { const [r, g, b] = c.match(/\d+/g).map((v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
      const contrast = (a, b) => (Math.max(lum(a), lum(b)) + 0.05) / (Math.min(lum(a), lum(b)) + 0.05);
      assert.ok(contrast(bg, text) > 7);
      for (const word of ["malicious", "suspicious", "clean", "unknown"]) {
        const c = await p.evaluate((w) => { const d = document.createElement("i"); d.style.color = `var(--${w})`; document.body.append(d); const v = getComputedStyle(d).color; d.remove(); return v; }, word);
        assert.ok(contrast(bg, c) >= 4.5, `${word} on ${scheme}: ${contrast(bg, c).toFixed(2)}`);
      }
    });

await test("toggle", {}, async (p) => {
  const before = await p.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await p.locator("button[aria-label='Dark or light']").click();
  assert.notEqual(await p.evaluate(() => getComputedStyle(document.body).backgroundColor), before);
});

await test("nothing ran", { file: "nothing/report.html" }, async (p) => {
  assert.match(await p.locator("h1").innerText(), /^Unknown/);
  const t = await p.locator("main").innerText();
  assert.match(t, /The file is empty, so nothing could run/);
  assert.match(t, /No process was seen/);
  assert.match(t, /Nothing ran, so no file was touched/);
});

await test("without JavaScript", { js: false }, async (p) => {
  const t = await p.locator("noscript").innerText();
  assert.match(t, /malicious \(score 100 of 100\)/);
  assert.match(t, /need JavaScript/);
});

await test("large", { file: "large/report.html" }, async (p) => {
  assert.match(await p.locator("#events .note").innerText(), /carries 20,000 of 10\d,\d{3} events/);
  const t = await p.evaluate(async () => {
    const box = document.getElementById("event-search"), start = performance.now();
    box.value = "file-39";
    box.dispatchEvent(new Event("input", { bubbles: true }));
    await new Promise((r) => requestAnimationFrame(() => setTimeout(r)));
    return performance.now() - start;
  });
  assert.ok(t < 3000, `search took ${t.toFixed(0)} ms`);
  assert.ok(await p.locator(".erow").count() < 80, "the list is virtual");
});

assert.ok(statSync(join(dir, "report.html")).size < 1e6);
await browser.close();
process.exit(failed ? 1 : 0);
