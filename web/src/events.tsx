// SPDX-License-Identifier: GPL-3.0-or-later
// Every event that the page carries: a virtual list with filters.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { type Ev, type Model, base, num, procName, time } from "./data";
import { Dot, Section } from "./parts";
import { brief } from "./head";
import { openEvent, select, useSel } from "./state";
import { T, flat } from "./text";
import { worst } from "./data";

const ROW = 25;
export function filter(m: Model, q: string, k: string, p: number, t: [number, number] | null): Ev[] {
  const words = q.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length && !k && !p && !t) return m.events;
  return m.events.filter((e) => (!k || e.kind === k || e.kind.startsWith(k + ".")) && (!p || e.n === p) && (!t || (e.time >= t[0] && e.time <= t[1])) &&
    (!words.length || words.every((w) => m.text(e).includes(w))));
}

export function Events({ m }: { m: Model }) {
  const sel = useSel();
  const [only, setOnly] = useState(0);
  const [top, setTop] = useState(0);
  const [typed, setTyped] = useState(sel.q);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => setTyped(sel.q), [sel.q]);
  const list = useMemo(() => filter(m, sel.q, sel.k, only, sel.t), [m, sel.q, sel.k, only, sel.t?.[0], sel.t?.[1]]);
  const kinds = useMemo(() => {
    const c = new Map<string, number>();
    for (const e of m.events) c.set(e.kind, (c.get(e.kind) ?? 0) + 1);
    return [...c].sort((a, b) => a[0].localeCompare(b[0]));
  }, [m]);
  const procs = useMemo(() => { const s = new Set(m.events.map((e) => e.n)); return m.r.processes.filter((p) => s.has(p.n)); }, [m]);
  /* a selected event is scrolled to */
  useEffect(() => {
    if (!sel.e || !box.current) return;
    const at = list.findIndex((e) => `${e.source}:${e.seq}` === sel.e);
    if (at < 0) return;
    const y = at * ROW, b = box.current;
    if (y < b.scrollTop || y > b.scrollTop + b.clientHeight - ROW * 2) b.scrollTop = Math.max(0, y - b.clientHeight / 3);
  }, [sel.e, list]);
  const visible = Math.ceil((box.current?.clientHeight ?? 520) / ROW) + 8, from = Math.max(0, Math.floor(top / ROW) - 4);
  const move = (d: number) => {
    const at = list.findIndex((e) => `${e.source}:${e.seq}` === sel.e);
    const e = list[Math.max(0, Math.min(list.length - 1, at < 0 ? from + 4 : at + d))];
    if (e) openEvent(m, `${e.source}:${e.seq}`);
  };
  const rest = m.raw.total - m.events.length, idle = m.r.completeness.events_idle;
  const filtered = sel.q || sel.k || only || sel.t;
  return <Section id="events" title="Events" count={m.raw.total}
    note={<>{idle > 0 && <>{num(m.r.completeness.events_recorded)} were recorded; {num(idle)} that the idle machine makes as well are left out. </>}{num(m.r.completeness.events)} are the sample's. {rest > 0 && <>This page carries {num(m.events.length)} of {num(m.raw.total)} events: the evidence of all findings, a share of every kind and process, and the first ones. All are in the case: <code>belljar events {m.r.case ?? "CASE"}</code></>}</>}>
    {!m.events.length ? <p class="empty">No event was recorded.</p> : <>
      <div class="bar">
        <input type="search" id="event-search" placeholder="Search events: words, paths, addresses" aria-label="Search events" value={typed}
          onInput={(e) => { setTyped(e.currentTarget.value); select({ q: e.currentTarget.value }, true); if (box.current) box.current.scrollTop = 0; }} />
        <select aria-label="Kind" value={sel.k} onChange={(e) => select({ k: e.currentTarget.value })}><option value="">every kind</option>
          {[...new Set(kinds.map(([k]) => k.split(".")[0]))].map((g) => <optgroup label={g}><option value={g}>{g}: all</option>{kinds.filter(([k]) => k.startsWith(g + ".")).map(([k, n]) => <option value={k}>{k} ({num(n)})</option>)}</optgroup>)}</select>
        <select aria-label="Process" value={String(only)} onChange={(e) => setOnly(Number(e.currentTarget.value))}><option value="0">every process</option>{procs.slice(0, 2000).map((p) => <option value={p.n}>{flat(procName(p)).slice(0, 32)} {p.pid}</option>)}</select>
        {sel.p > 0 && only !== sel.p && m.procs.has(sel.p) && <button class="tool" onClick={() => setOnly(sel.p)}>only {flat(m.name(sel.p)).slice(0, 20)}</button>}
        {sel.t && <button class="tool" onClick={() => select({ t: null })}>{time(sel.t[0])} to {time(sel.t[1])} ×</button>}
        {filtered && <button class="tool" onClick={() => { setOnly(0); select({ q: "", k: "", t: null }); }}>Clear</button>}
        <span class="muted" role="status">{filtered ? `${num(list.length)} of ${num(m.events.length)}` : num(list.length)}</span>
      </div>
      <div class="vlist" ref={box} tabIndex={0} role="listbox" aria-label="Events" onScroll={(e) => setTop(e.currentTarget.scrollTop)}
        onKeyDown={(e) => { const d = e.key === "j" || e.key === "ArrowDown" ? 1 : e.key === "k" || e.key === "ArrowUp" ? -1 : 0; if (d) { e.preventDefault(); e.stopPropagation(); move(d); } }}>
        <div style={{ height: `${list.length * ROW}px` }}>{list.slice(from, from + visible).map((e, i) => {
          const name = `${e.source}:${e.seq}`, p = m.procs.get(e.n), f = m.ofEvent.get(name);
          return <div class={sel.e === name ? "erow on" : "erow"} role="option" aria-selected={sel.e === name} style={{ top: `${(from + i) * ROW}px` }} data-n={e.n || undefined} key={e.at} onClick={() => openEvent(m, name)}>
            <span class="when">{time(e.time)}</span><span class="who"><T s={p ? base(p.script || p.image) || "?" : e.source} max={24} /> {e.pid > 0 && <i>{e.pid}</i>}</span><span class="kind">{f && <Dot s={worst(f.map((x) => m.r.findings[x].severity))} />}{e.kind}</span>
            <span class="text"><T s={brief(m, name).slice(0, 300)} max={1000} /></span></div>;
        })}</div>
        {!list.length && <p class="empty">No event matches.</p>}
      </div></>}
  </Section>;
}
