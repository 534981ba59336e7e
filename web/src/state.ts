// SPDX-License-Identifier: GPL-3.0-or-later
// One selection for all views, kept in the address: #p=12&e=tracer:3481&f=3&q=text&t=1.5-4
import { useEffect, useState } from "preact/hooks";
import type { Model } from "./data";

export interface Sel { p: number; e: string; f: number; q: string; k: string; t: [number, number] | null; s: string }

export function parse(hash: string): Sel {
  const h = new URLSearchParams(hash.replace(/^#/, ""));
  const t = /^(-?[\d.]+)-([\d.]+)$/.exec(h.get("t") || "");
  const e = h.get("e") || "";
  return { p: Number(h.get("p")) || 0, e: /^\d+$/.test(e) ? `tracer:${e}` : e, f: h.has("f") ? Number(h.get("f")) : -1, q: h.get("q") || "",
    k: h.get("k") || "", t: t ? [Number(t[1]), Number(t[2])] : null, s: h.get("s") || "" };
}

function write(s: Sel): string {
  const h: string[] = [];
  if (s.s) h.push(`s=${encodeURIComponent(s.s)}`);
  if (s.p) h.push(`p=${s.p}`);
  if (s.e) h.push(`e=${s.e.startsWith("tracer:") ? s.e.slice(7) : s.e}`);
  if (s.f >= 0) h.push(`f=${s.f}`);
  if (s.k) h.push(`k=${encodeURIComponent(s.k)}`);
  if (s.q) h.push(`q=${encodeURIComponent(s.q)}`);
  if (s.t) h.push(`t=${s.t[0].toFixed(2)}-${s.t[1].toFixed(2)}`);
  return "#" + h.join("&");
}

let now = parse(location.hash);
const watchers = new Set<() => void>();
const tell = () => watchers.forEach((w) => w());
window.addEventListener("hashchange", () => { now = parse(location.hash); tell(); });

export const sel = (): Sel => now;
/* quiet: no entry in the history (typing). */
export function select(change: Partial<Sel>, quiet = false) {
  const next = { ...now, ...change };
  const hash = write(next);
  if (hash === write(now)) return;
  now = next;
  if (quiet) history.replaceState(null, "", hash); else history.pushState(null, "", hash);
  tell();
}
export function useSel(): Sel {
  const [, turn] = useState(0);
  useEffect(() => {
    const w = () => turn((n) => n + 1);
    watchers.add(w);
    return () => { watchers.delete(w); };
  }, []);
  return now;
}
window.addEventListener("popstate", () => { now = parse(location.hash); tell(); });

export function go(section: string) {
  const el = document.getElementById(section);
  if (!el) return;
  select({ s: section });
  el.scrollIntoView({ block: "start" });
  el.querySelector<HTMLElement>("h2")?.focus({ preventScroll: true });
}
export const openProcess = (n: number) => n && select({ p: n, e: "", f: -1 });
export const openEvent = (m: Model, name: string) => select({ e: name, p: m.byName.get(name)?.n || 0, f: -1 });
export const openFinding = (f: number) => { select({ f, e: "", p: 0 }); };

/* Hovering: one style element lights up everything that belongs to the process. */
export function highlights(style: HTMLStyleElement) {
  let hover = "";
  const rule = (n: string | number) => `[data-n="${n}"]`;
  const paint = () => {
    let css = "";
    if (hover) css += `${rule(hover)}{background:var(--hover)}g${rule(hover)}>.box{fill:var(--hover)}${rule(hover)}.lane{stroke:var(--text)}`;
    if (now.p) css += `${rule(now.p)}{background:var(--select)}g${rule(now.p)}>.box{fill:var(--select);stroke:var(--accent)}`;
    style.textContent = css;
  };
  document.addEventListener("mouseover", (e) => {
    const n = (e.target as Element).closest?.("[data-n]")?.getAttribute("data-n") || "";
    if (n !== hover && n !== "0") { hover = n; paint(); }
  });
  watchers.add(paint);
  paint();
}
