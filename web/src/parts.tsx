// SPDX-License-Identifier: GPL-3.0-or-later
import type { ComponentChildren, RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { type Model, type Severity, type Word, num, procName, time } from "./data";
import { openEvent, openProcess } from "./state";
import { T, copy, unbytes } from "./text";

export const WORDS: Record<Word, string> = { clean: "Clean", suspicious: "Suspicious", malicious: "Malicious", unknown: "Unknown" };

/* Shape and colour: never colour alone. */
export function Shape({ word, px = 44 }: { word: Word; px?: number }) {
  const shape = {
    clean: <circle cx="12" cy="12" r="10" />,
    suspicious: <path d="M12 2.5 22.5 21h-21z" />,
    malicious: <path d="M7.7 2h8.6L22 7.7v8.6L16.3 22H7.7L2 16.3V7.7z" />,
    unknown: <path d="M12 1.5 22.5 12 12 22.5 1.5 12z" />,
  }[word];
  const sign = {
    clean: <path d="m7 12.5 3.5 3.5L17 9" class="sign" />,
    suspicious: <path d="M12 9v6m0 2v2" class="sign" />,
    malicious: <path d="m8 8 8 8m0-8-8 8" class="sign" />,
    unknown: <path d="M9.3 9.2a2.8 2.8 0 1 1 3.9 2.6c-.8.4-1.2.9-1.2 1.9m0 2v1.6" class="sign" />,
  }[word];
  return <svg class={`shape ${word}`} width={px} height={px} viewBox="0 0 24 24" aria-hidden="true">{shape}{sign}</svg>;
}

export const SEVERITY: Record<Severity, string> = { high: "high", medium: "medium", low: "low", info: "info" };
export function Dot({ s }: { s: Severity | null }) {
  if (!s) return null;
  const d = {
    high: <path d="M4 1h4l3 3v4l-3 3H4L1 8V4z" />, medium: <path d="M6 1 11.5 11H.5z" />,
    low: <path d="M6 1 11 6 6 11 1 6z" />, info: <circle cx="6" cy="6" r="3.5" />,
  }[s];
  return <svg class={`dot s-${s}`} width="11" height="11" viewBox="0 0 12 12" role="img" aria-label={`severity ${s}`}><title>{s}</title>{d}</svg>;
}

export function Section({ id, title, count, note, tools, children }: {
  id: string; title: string; count?: number | string; note?: ComponentChildren; tools?: ComponentChildren; children: ComponentChildren;
}) {
  return <section id={id} aria-labelledby={`${id}-h`}>
    <header>
      <h2 id={`${id}-h`} tabIndex={-1}>{title}{count !== undefined && <span class="count">{typeof count === "number" ? num(count) : count}</span>}</h2>
      {tools && <div class="tools">{tools}</div>}
    </header>
    {note && <p class="note">{note}</p>}
    {children}
  </section>;
}

export function Proc({ m, n }: { m: Model; n: number }) {
  const p = m.procs.get(n);
  if (!p) return <span class="muted">–</span>;
  return <button class="link proc" data-n={n} onClick={(e) => { e.stopPropagation(); openProcess(n); }}>
    <T s={procName(p)} max={40} /> <span class="pid">{p.pid}</span></button>;
}

export function When({ s }: { s: number }) {
  return <span class="when" title={absolute(s)}>{time(s)}</span>;
}
let started: number | null = null;
export function setStart(ms: number | null) { started = ms; }
export function absolute(s: number): string {
  return started === null ? `${s.toFixed(6)} s after the start` : new Date(started + s * 1000).toISOString().replace("T", " ").replace("Z", " UTC");
}

export function EventLink({ m, name, children }: { m: Model; name: string; children: ComponentChildren }) {
  return <button class="link" onClick={(e) => { e.stopPropagation(); openEvent(m, name); }}>{children}</button>;
}

export function More({ n, what }: { n: number; what: string }) {
  return n > 0 ? <p class="note">{num(n)} more {what} {n === 1 ? "is" : "are"} not shown here; all events are in the event log of the case.</p> : null;
}

export function Copy({ text, label = "Copy" }: { text: () => string; label?: string }) {
  const [said, say] = useState("");
  return <button class="tool" onClick={async () => { say((await copy(text())) ? "Copied" : "Cannot copy"); setTimeout(() => say(""), 1500); }}>{said || label}</button>;
}

const FIRST = 25; // rows at first: sections below stay within reach
export interface Column<R> { name: string; cell: (r: R) => ComponentChildren; text?: (r: R) => string | number | null; cls?: string; sort?: (r: R) => number | string }

/* A table with sorting, a filter, 100 rows at a time, and a copy of all as CSV. */
export function Table<R>({ rows, columns, label, search, rowN, onRow, empty }: {
  rows: R[]; columns: Column<R>[]; label: string; search?: (r: R) => string; rowN?: (r: R) => number; onRow?: (r: R) => void; empty: string;
}) {
  const [order, setOrder] = useState<[number, boolean] | null>(null);
  const [limit, setLimit] = useState(FIRST);
  const [q, setQ] = useState("");
  if (!rows.length) return <p class="empty">{empty}</p>;
  let list = rows;
  if (q && search) { const w = q.toLowerCase(); list = list.filter((r) => search(r).toLowerCase().includes(w)); }
  if (order) {
    const c = columns[order[0]], key = c.sort ?? c.text!;
    list = [...list].sort((a, b) => {
      const x = key(a) ?? "", y = key(b) ?? "";
      return (x < y ? -1 : x > y ? 1 : 0) * (order[1] ? -1 : 1);
    });
  }
  const csv = () => [columns.map((c) => c.name), ...list.map((r) => columns.map((c) => unbytes(String(c.text?.(r) ?? ""))))]
    .map((l) => l.map((v) => `"${v.replace(/"/g, '""').replace(/^([=+\-@\t\r])/, "'$1")}"`).join(",")).join("\n");
  return <div class="table">
    <div class="bar">
      {search && rows.length > 8 && <input type="search" placeholder={`Filter ${label}`} aria-label={`Filter ${label}`} value={q} onInput={(e) => { setQ(e.currentTarget.value); setLimit(FIRST); }} />}
      <span class="muted">{list.length === rows.length ? "" : `${num(list.length)} of ${num(rows.length)}`}</span>
      <Copy text={csv} label="Copy as CSV" />
    </div>
    <div class="scroll"><table>
      <thead><tr>{columns.map((c, i) => <th class={c.cls} aria-sort={order?.[0] === i ? (order[1] ? "descending" : "ascending") : undefined}>
        {c.text || c.sort ? <button onClick={() => setOrder(order?.[0] === i ? (order[1] ? null : [i, true]) : [i, false])}>{c.name}{order?.[0] === i ? (order[1] ? " ↓" : " ↑") : ""}</button> : c.name}
      </th>)}</tr></thead>
      <tbody>{list.slice(0, limit).map((r) => {
        const n = rowN?.(r) || 0;
        return <tr data-n={n || undefined} data-row tabIndex={-1} class={onRow || n ? "click" : ""}
          onClick={() => { if (String(getSelection()) === "") { if (onRow) onRow(r); else openProcess(n); } }}>
          {columns.map((c) => <td class={c.cls} data-label={c.name}>{c.cell(r)}</td>)}</tr>;
      })}</tbody>
    </table></div>
    {list.length > limit && <button class="tool" onClick={() => setLimit(limit * 4)}>Show {num(Math.min(limit * 3, list.length - limit))} more of {num(list.length - limit)}</button>}
  </div>;
}

/* Width of an element, for drawings that fit. */
export function useWidth(): [RefObject<HTMLDivElement>, number] {
  const ref = useRef<HTMLDivElement>(null) as RefObject<HTMLDivElement>;
  const [w, set] = useState(800);
  useEffect(() => {
    const o = new ResizeObserver(([e]) => set(Math.max(280, Math.floor(e.contentRect.width))));
    if (ref.current) o.observe(ref.current);
    return () => o.disconnect();
  }, []);
  return [ref, w];
}
