// SPDX-License-Identifier: GPL-3.0-or-later
import { render } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import "./style.css";
import { type Model, type Severity, defang, load, num, procName, worst } from "./data";
import { Events, filter } from "./events";
import { Graph } from "./graph";
import { Attack, Findings, Head, Why, brief, sampleName } from "./head";
import { Inspector } from "./inspector";
import { Files, Indicators, Memory, Network, Notes, Static, Stats } from "./lists";
import { Dot, Shape, WORDS, setStart } from "./parts";
import { go, highlights, openEvent, openFinding, openProcess, sel, select, useSel } from "./state";
import { T, copy, flat, unbytes } from "./text";
import { Timeline } from "./timeline";
import { Tree } from "./tree";
import { Yara, yaraHits, yaraWorst } from "./yara";

const effects = (m: Model, ...names: string[]): Severity | null => worst(m.r.findings.filter((f) => names.includes(f.effect)).map((f) => f.severity));
const NAV: { id: string; name: string; key: string; count: (m: Model) => number | null; s?: (m: Model) => Severity | null }[] = [
  { id: "top", name: "Verdict", key: "o", count: () => null },
  { id: "why", name: "Why", key: "w", count: () => null },
  { id: "attack", name: "ATT&CK", key: "a", count: (m) => new Set(m.r.attack.tactics.flatMap((t) => t.techniques.map((x) => x.id))).size },
  { id: "findings", name: "Findings", key: "f", count: (m) => m.r.findings.length, s: (m) => worst(m.r.findings.map((f) => f.severity)) },
  { id: "timeline", name: "Time line", key: "t", count: () => null },
  { id: "processes", name: "Processes", key: "p", count: (m) => m.r.processes.filter((p) => p.lineage !== "system").length, s: (m) => worst(m.r.processes.flatMap((p) => p.badges.filter((b) => b.findings.length).map((b) => b.severity))) },
  { id: "graph", name: "Graph", key: "g", count: () => null },
  { id: "files", name: "Files", key: "i", count: (m) => m.r.files.filter((f) => !f.system).length, s: (m) => effects(m, "persists", "destroys", "steals", "encrypts") },
  { id: "network", name: "Network", key: "n", count: (m) => m.r.network.conversations.filter((c) => c.port !== 53 && !/^(127\.|::1$|0\.0\.0\.0)/.test(c.ip ?? "")).length + m.r.network.dns.length + m.r.network.http.length, s: (m) => effects(m, "calls out", "leaks", "spreads") },
  { id: "indicators", name: "Indicators", key: "d", count: (m) => m.r.indicators.length },
  { id: "memory", name: "Memory", key: "m", count: (m) => m.r.memory.length, s: (m) => effects(m, "injects") },
  { id: "yara", name: "YARA", key: "y", count: yaraHits, s: yaraWorst },
  { id: "stats", name: "Statistics", key: "s", count: () => null },
  { id: "static", name: "File itself", key: "x", count: () => null },
  { id: "events", name: "Events", key: "e", count: (m) => m.raw.total },
  { id: "notes", name: "Trust", key: "r", count: (m) => m.r.notes.length },
];

function Nav({ m }: { m: Model }) {
  const [here, setHere] = useState("top");
  useEffect(() => {
    const look = () => {
      let at = "top";
      for (const n of NAV) { const el = document.getElementById(n.id); if (el && el.getBoundingClientRect().top < 120) at = n.id; }
      if (innerHeight + scrollY >= document.documentElement.scrollHeight - 4) at = "notes";
      setHere(at);
    };
    addEventListener("scroll", look, { passive: true });
    look();
    return () => removeEventListener("scroll", look);
  }, []);
  return <nav aria-label="Sections"><ul>{NAV.map((n) => {
    const c = n.count(m);
    return <li><a href={`#s=${n.id}`} class={here === n.id ? "on" : ""} aria-current={here === n.id ? "true" : undefined} title={`g ${n.key}`} onClick={(e) => { e.preventDefault(); go(n.id); }}>
      <span class="mk"><Dot s={n.s?.(m) ?? null} /></span>{n.name}{c ? <span class="count">{num(c)}</span> : null}</a></li>;
  })}</ul></nav>;
}

function Search({ m }: { m: Model }) {
  const [q, setQ] = useState("");
  const [open, setOpen] = useState(false);
  const hits = useMemo(() => {
    const w = q.trim().toLowerCase();
    if (w.length < 2) return null;
    const has = (...s: (string | null | undefined)[]) => s.some((x) => x && x.toLowerCase().includes(w));
    return {
      findings: m.r.findings.map((f, i) => ({ f, i })).filter(({ f }) => has(f.title, f.rule, ...f.attack.map((a) => a.id))),
      processes: m.r.processes.filter((p) => has(p.image, p.cmdline, p.script, String(p.pid))),
      files: m.r.files.filter((f) => has(f.path, f.sha256)),
      hosts: [...new Map([...m.r.network.conversations.map((c) => c.host || c.ip), ...m.r.network.dns.map((d) => d.name)].filter((h) => has(h)).map((h) => [h, h]))].map(([h]) => h!),
      events: filter(m, q, "", 0, null),
    };
  }, [q, m]);
  const show = (text: string, section: string) => { select({ q: text, k: "", t: null }); go(section); setOpen(false); };
  const none = hits && !hits.findings.length && !hits.processes.length && !hits.files.length && !hits.hosts.length && !hits.events.length;
  return <div class="search" onKeyDown={(e) => { if (e.key === "Escape") { setOpen(false); (document.activeElement as HTMLElement)?.blur(); } if (e.key === "Enter" && hits?.events.length && (e.target as Element).tagName === "INPUT") show(q, "events"); }}
    onFocusOut={(e) => { if (!(e.currentTarget as Element).contains(e.relatedTarget as Node)) setOpen(false); }}>
    <input type="search" id="search" placeholder="Search this report   /" aria-label="Search this report" value={q} onFocus={() => setOpen(true)} onInput={(e) => { setQ(e.currentTarget.value); setOpen(true); }} />
    {open && hits && <div class="hits" tabIndex={-1}>
      {none && <p class="empty">Nothing in this page matches.</p>}
      {hits.findings.length > 0 && <Group name="Findings" n={hits.findings.length}>{hits.findings.slice(0, 6).map(({ f, i }) => <button onClick={() => { openFinding(i); setOpen(false); }}><Dot s={f.severity} /> <T s={f.title} plain max={120} /></button>)}</Group>}
      {hits.processes.length > 0 && <Group name="Processes" n={hits.processes.length}>{hits.processes.slice(0, 6).map((p) => <button onClick={() => { openProcess(p.n); setOpen(false); }}><b><T s={procName(p)} max={30} /></b> {p.pid} <span class="muted mono"><T s={p.cmdline?.slice(0, 80)} /></span></button>)}</Group>}
      {hits.files.length > 0 && <Group name="Files" n={hits.files.length}>{hits.files.slice(0, 6).map((f) => <button class="mono" onClick={() => show(f.path, "events")}><T s={f.path} max={120} /></button>)}</Group>}
      {hits.hosts.length > 0 && <Group name="Hosts" n={hits.hosts.length}>{hits.hosts.slice(0, 6).map((h) => <button class="mono" onClick={() => show(h, "events")}><T s={h} max={100} /></button>)}</Group>}
      {hits.events.length > 0 && <Group name="Events" n={hits.events.length}><button onClick={() => show(q, "events")}>Show {num(hits.events.length)} in the event list</button></Group>}
    </div>}
  </div>;
}
const Group = ({ name, n, children }: { name: string; n: number; children: preact.ComponentChildren }) => <div class="hg"><h3>{name} <span class="count">{num(n)}</span></h3>{children}</div>;

const KEYS: [string, string][] = [["/", "search this report"], ["g p", "processes"], ["g n", "network"], ["g f", "findings"], ["g e", "events"], ["g o w a t g i d m s x r", "verdict, why, ATT&CK, time line, graph, files, indicators, memory, statistics, the file itself, trust"],
  ["j k", "next and previous row"], ["Enter", "open the row"], ["y", "copy what is selected, defanged"], ["Shift y", "copy it raw"], ["d", "dark or light"], ["Esc", "close"], ["?", "this help"]];
function Help({ close }: { close: () => void }) {
  const box = useRef<HTMLDialogElement>(null);
  useEffect(() => { box.current?.showModal(); }, []);
  return <dialog ref={box} class="help" onClose={close} onClick={(e) => { if (e.target === box.current) close(); }}><h2>Keys</h2><dl class="kv">{KEYS.map(([k, t]) => <div><dt><kbd>{k}</kbd></dt><dd>{t}</dd></div>)}</dl>
    <p class="note">Every link here can be sent to a colleague who has the same file: the address keeps what is selected.</p><button class="tool" onClick={close}>Close</button></dialog>;
}

function selectedText(m: Model): string {
  const s = sel(), e = m.byName.get(s.e), p = m.procs.get(s.p), f = m.r.findings[s.f];
  const marked = String(getSelection() ?? "");
  if (marked) return marked;
  if (e) return brief(m, s.e);
  if (f) return f.title;
  if (p) return p.cmdline || p.image || "";
  const row = document.activeElement?.closest("[data-row]");
  return row ? (row.querySelector(".mono")?.textContent ?? row.textContent ?? "") : "";
}
function moveRow(d: number) {
  const here = document.activeElement?.closest("[data-row]");
  const scope = here?.closest("section") ?? [...document.querySelectorAll("section")].find((s) => s.getBoundingClientRect().bottom > 160 && s.querySelector("[data-row],.vlist"));
  if (!scope) return;
  const rows = [...scope.querySelectorAll<HTMLElement>("[data-row]")].filter((r) => r.offsetParent);
  const at = here ? rows.indexOf(here as HTMLElement) + d : 0;
  const row = rows[Math.max(0, Math.min(rows.length - 1, at))];
  row?.focus();
  row?.scrollIntoView({ block: "nearest" });
}
const theme = () => document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
const turnTheme = () => { document.documentElement.dataset.theme = theme() === "dark" ? "light" : "dark"; };

function App({ m }: { m: Model }) {
  const s = useSel();
  const [help, setHelp] = useState(false);
  const [said, say] = useState("");
  useEffect(() => {
    let g = 0;
    const key = async (e: KeyboardEvent) => {
      const t = e.target as HTMLElement;
      if (e.ctrlKey || e.metaKey || e.altKey) return;
      if (/^(INPUT|SELECT|TEXTAREA)$/.test(t.tagName)) { if (e.key === "Escape") t.blur(); return; }
      if (g && e.timeStamp - g < 1200) {
        const n = NAV.find((x) => x.key === e.key);
        g = 0;
        if (n) { e.preventDefault(); go(n.id); return; }
      }
      if (e.key === "g") g = e.timeStamp;
      else if (e.key === "/") { e.preventDefault(); document.getElementById("search")?.focus(); }
      else if (e.key === "?") setHelp(true);
      else if (e.key === "d") turnTheme();
      else if (e.key === "j" || e.key === "k") { e.preventDefault(); moveRow(e.key === "j" ? 1 : -1); }
      else if (e.key === "Enter" && t.matches("[data-row]:not(button):not(summary)")) t.click();
      else if (e.key === "Escape") select({ p: 0, e: "", f: -1 });
      else if (e.key === "y" || e.key === "Y") {
        const text = unbytes(selectedText(m));
        if (!text) return;
        say((await copy(e.key === "y" ? defang(text) : text)) ? `Copied ${e.key === "y" ? "defanged" : "raw"}: ${flat(text).slice(0, 80)}` : "The browser does not let this page copy.");
        setTimeout(() => say(""), 2500);
      }
    };
    addEventListener("keydown", key);
    return () => removeEventListener("keydown", key);
  }, [m]);
  /* what the address names is brought into view once */
  useEffect(() => { if (s.f >= 0) document.getElementById(`finding-${s.f}`)?.scrollIntoView({ block: "nearest" }); }, [s.f]);
  useEffect(() => { if (s.s) document.getElementById(s.s)?.scrollIntoView({ block: "start" }); else if (s.e && !s.p) openEvent(m, s.e); }, []);
  const word = m.r.verdict.word;
  return <>
    <div class="topbar"><a class="skip" href="#main" onClick={(e) => { e.preventDefault(); document.getElementById("main")?.focus(); }}>To the report</a>
      <span class="brand">Belljar</span><span class="mini"><Shape word={word} px={18} /> {WORDS[word]} <span class="muted">{m.r.verdict.score}</span></span><span class="filename mono"><T s={flat(sampleName(m))} max={60} /></span>
      <Search m={m} /><button class="tool" onClick={turnTheme} title="dark or light (d)" aria-label="Dark or light">◐</button><button class="tool" onClick={() => setHelp(true)} aria-label="Help" title="keys (?)">?</button></div>
    <div class={(s.p && m.procs.has(s.p)) || s.e ? "page side" : "page"}>
      <Nav m={m} />
      <main id="main" tabIndex={-1}>
        <Head m={m} /><Why m={m} /><Attack m={m} /><Findings m={m} /><Timeline m={m} /><Tree m={m} /><Graph m={m} /><Files m={m} /><Network m={m} /><Indicators m={m} /><Memory m={m} /><Yara m={m} /><Stats m={m} /><Static m={m} /><Events m={m} /><Notes m={m} />
      </main>
      <Inspector m={m} />
    </div>
    {help && <Help close={() => setHelp(false)} />}
    <div class="said" role="status" aria-live="polite">{said}</div>
  </>;
}

const root = document.getElementById("app")!;
load().then((m) => {
  const run = (m.r.run ?? {}) as Record<string, unknown>;
  const at = run.started_at ?? run.started ?? run.start;
  const ms = typeof at === "number" ? (at > 1e14 ? at / 1e6 : at > 1e11 ? at : at * 1000) : typeof at === "string" ? Date.parse(at) : NaN;
  setStart(Number.isFinite(ms) ? ms : null);
  const style = document.createElement("style");
  document.head.append(style);
  highlights(style);
  document.title = `${flat(sampleName(m))} - ${document.title}`;
  render(<App m={m} />, root);
  document.documentElement.dataset.ready = "1";
}).catch((e: unknown) => {
  root.textContent = `This report cannot be shown: ${e instanceof Error ? e.message : String(e)}. The file may be cut; report.json beside it holds the same data.`;
});
