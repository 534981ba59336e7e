// SPDX-License-Identifier: GPL-3.0-or-later
import { useMemo, useState } from "preact/hooks";
import { type Badge, type Model, type Process, procName, plural } from "./data";
import { Dot, More, Section, When } from "./parts";
import { openProcess, useSel } from "./state";
import { T } from "./text";

export const SIGNALS: Record<number, string> = { 1: "HUP", 2: "INT", 3: "QUIT", 4: "ILL", 6: "ABRT", 7: "BUS", 8: "FPE", 9: "KILL", 11: "SEGV", 13: "PIPE", 14: "ALRM", 15: "TERM", 31: "SYS" };
export const exitText = (p: Process): string =>
  !p.exit ? "still running" : p.exit.signal ? `killed by SIG${SIGNALS[p.exit.signal] ?? p.exit.signal}` : `exit ${p.exit.code}`;

export function Badges({ m, list }: { m: Model; list: Badge[] }) {
  return <>{list.map((b) => <span class={`badge s-${b.severity}`} title={b.findings.map((i) => m.r.findings[i]?.title).join("\n") || "seen, without a finding"}>
    {b.findings.length > 0 && <Dot s={b.severity} />}{b.effect}</span>)}</>;
}

/* What was there before the run has no start that we saw: only the time of the listing. */
export const Since = ({ p }: { p: Process }) => p.existing ? <span class="when muted" title="it ran when the sample was started; when it began was not seen">before</span> : <When s={p.start} />;

interface Row { p: Process | null; depth: number; last: boolean; folded: number; kids: number; key: string }
const CHUNK = 400;

export function Tree({ m }: { m: Model }) {
  const sel = useSel();
  const [closed, setClosed] = useState<Set<number>>(new Set());
  const [system, setSystem] = useState<Set<string>>(new Set());
  const [limit, setLimit] = useState(CHUNK);
  /* system processes without the sample below them fold away */
  const matters = useMemo(() => {
    const set = new Set<number>();
    for (const p of m.r.processes)
      if (p.lineage !== "system" || m.ofProc.has(p.n))
        for (let q: Process | undefined = p; q && !set.has(q.n); q = m.procs.get(q.parent)) set.add(q.n);
    return set;
  }, [m]);
  const rows: Row[] = [];
  const walk = (list: Process[], depth: number, key: string) => {
    const open = system.has(key);
    const seen = list.filter((p) => open || matters.has(p.n)), hidden = list.length - seen.length;
    seen.forEach((p, i) => {
      const kids = m.children.get(p.n) ?? [];
      rows.push({ p, depth, last: i === seen.length - 1 && !hidden, folded: 0, kids: kids.length, key: String(p.n) });
      if (kids.length && !closed.has(p.n)) walk(kids, depth + 1, String(p.n));
    });
    if (hidden || (open && list.some((p) => !matters.has(p.n)))) rows.push({ p: null, depth, last: true, folded: hidden, kids: 0, key });
  };
  walk(m.r.roots.map((n) => m.procs.get(n)!).filter(Boolean), 0, "root");
  const toggle = (n: number) => setClosed((c) => { const s = new Set(c); if (!s.delete(n)) s.add(n); return s; });
  const fold = (k: string) => setSystem((c) => { const s = new Set(c); if (!s.delete(k)) s.add(k); return s; });
  const own = m.r.processes.filter((p) => p.lineage !== "system").length;
  return <Section id="processes" title="Processes" count={own} note={own ? undefined : undefined}>
    {!rows.length && <p class="empty">No process was seen: the sample did not start{m.r.completeness.not_started_because ? ` (${m.r.completeness.not_started_because})` : ""}.</p>}
    <div class="tree" role="tree" aria-label="Process tree">{rows.slice(0, limit).map((r) => {
      const p = r.p;
      const pad = { paddingLeft: `${Math.min(r.depth, 24) * 18 + 4}px` };
      if (!p) return <div class="prow fold" style={pad} key={`f${r.key}`}><button class="link muted" onClick={() => fold(r.key)}>{r.folded ? `+${r.folded} system` : "fold system processes"}</button></div>;
      return <div class={`prow ${p.lineage}`} role="treeitem" aria-level={r.depth + 1} aria-expanded={r.kids ? !closed.has(p.n) : undefined} aria-selected={sel.p === p.n}
        data-n={p.n} data-row tabIndex={-1} style={pad} key={p.n} onClick={() => openProcess(p.n)}>
        <button class="twist" aria-label={closed.has(p.n) ? "open" : "close"} disabled={!r.kids} onClick={(e) => { e.stopPropagation(); toggle(p.n); }}>{r.kids ? (closed.has(p.n) ? "▸" : "▾") : ""}</button>
        <b class="name"><T s={procName(p)} max={48} /></b>
        <span class="pid">{p.pid}</span><Since p={p} />
        {p.lineage === "adopted" && <span class="badge" title={p.adopted_because ?? ""}>adopted</span>}
        {p.lineage === "system" && <span class="badge">system</span>}
        {p.anonymous && <span class="badge s-medium">no file</span>}
        <Badges m={m} list={p.badges} />
        <span class="cmd"><T s={p.cmdline} max={160} /></span>
        <span class={p.exit && (p.exit.signal || p.exit.code) ? "exit bad" : "exit"}>{exitText(p)}</span>
      </div>;
    })}</div>
    {rows.length > limit && <button class="tool" onClick={() => setLimit(limit * 4)}>Show more ({plural(rows.length - limit, "row")} left)</button>}
    <More n={m.r.processes_more} what="processes" />
  </Section>;
}
