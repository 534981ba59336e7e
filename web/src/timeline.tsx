// SPDX-License-Identifier: GPL-3.0-or-later
// Time line: activity, findings, processes as lanes. Dragging over it filters the event list.
import { useMemo, useRef, useState } from "preact/hooks";
import { type Model, RANK, type Severity, procName, time } from "./data";
import { Section, useWidth } from "./parts";
import { severityOf } from "./head";
import { openFinding, openProcess, select, useSel } from "./state";
import { flat, unbytes } from "./text";

const GROUPS = ["process", "file", "network", "memory", "system"] as const;
const LANES = 24, LANE = 17, GUTTER = 132;

export function Timeline({ m }: { m: Model }) {
  const [ref, width] = useWidth();
  const sel = useSel();
  const [drag, setDrag] = useState<[number, number] | null>(null);
  const [group, setGroup] = useState<string>("");
  const svg = useRef<SVGSVGElement>(null);
  const t = m.r.timeline;
  const lanes = useMemo(() => m.r.processes.filter((p) => p.lineage !== "system")
    .sort((a, b) => (RANK[severityOf(m, b.n) ?? "info"] - RANK[severityOf(m, a.n) ?? "info"]) || b.events - a.events).slice(0, LANES)
    .sort((a, b) => a.start - b.start), [m]);
  const marks = useMemo(() => m.r.findings.flatMap((f, i) => f.evidence.slice(0, 6).map((v) => ({ i, t: v.time, s: f.severity, title: f.title })))
    .sort((a, b) => RANK[a.s] - RANK[b.s]), [m]);
  const end = Math.max(1, t.last, m.r.completeness.ran, ...lanes.map((p) => p.exit?.time ?? 0));
  const gutter = width < 560 ? 84 : GUTTER;
  const x = (s: number) => gutter + (Math.max(0, s) / end) * (width - gutter - 8);
  const at = (e: PointerEvent) => Math.max(0, Math.min(end, ((e.clientX - svg.current!.getBoundingClientRect().left - gutter) / (width - gutter - 8)) * end));
  const shown = group ? GROUPS.filter((g) => g === group) : GROUPS;
  const sums = (t.process ?? []).map((_, i) => (shown as readonly (typeof GROUPS)[number][]).reduce((n: number, g) => n + (t[g][i] ?? 0), 0));
  const most = Math.max(1, ...sums);
  const top = 46, y0 = top + 20, height = y0 + lanes.length * LANE + 20;
  const tick = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120].find((s) => (end / s) * 64 < width - gutter) ?? 120;
  const brush = drag ?? sel.t;
  const finish = () => {
    if (!drag) return;
    const [a, b] = [Math.min(...drag), Math.max(...drag)];
    select({ t: b - a > end / 400 ? [a, b] : null });
    setDrag(null);
  };
  return <Section id="timeline" title="Time line"
    note={sums.length ? <>Bars are events; marks are findings; lanes are processes. Drag over it to filter the event list.</> : undefined}
    tools={<><select aria-label="Events shown as bars" value={group} onChange={(e) => setGroup(e.currentTarget.value)}><option value="">all events</option>{GROUPS.map((g) => <option value={g}>{g}</option>)}</select>
      {sel.t && <button class="tool" onClick={() => select({ t: null })}>Clear {time(sel.t[0])} to {time(sel.t[1])}</button>}</>}>
    {!sums.length && !lanes.length ? <p class="empty">Nothing happened that could be put on a time line.</p> : <div class="timeline" ref={ref}>
      <svg ref={svg} width={width} height={height} role="img" aria-label="Activity over time"
        onPointerDown={(e) => { if ((e.target as Element).closest("[data-n],.fm") || e.button) return; svg.current!.setPointerCapture(e.pointerId); const v = at(e); setDrag([v, v]); }}
        onPointerMove={(e) => { if (drag) setDrag([drag[0], at(e)]); }} onPointerUp={finish} onPointerCancel={() => setDrag(null)}>
        {Array.from({ length: Math.floor(end / tick) + 1 }, (_, i) => <g key={i}><path class="grid" d={`M${x(i * tick)} 0V${height - 16}`} /><text class="sub" x={x(i * tick)} y={height - 4} text-anchor={x(i * tick) > width - 24 ? "end" : "middle"}>{+(i * tick).toFixed(1)} s</text></g>)}
        <text class="sub" x="0" y="14">events</text><text class="sub" x="0" y={top + 14}>findings</text>
        {sums.map((n, i) => n > 0 && <rect class="bar" key={i} x={x(i * t.step)} width={Math.max(1, x((i + 1) * t.step) - x(i * t.step) - 1)} y={top - 4 - Math.max(2, (Math.log1p(n) / Math.log1p(most)) * 38)} height={Math.max(2, (Math.log1p(n) / Math.log1p(most)) * 38)}><title>{`${n} events from ${time(i * t.step)}`}</title></rect>)}
        {brush && <rect class="brush" x={Math.min(x(brush[0]), x(brush[1]))} width={Math.abs(x(brush[1]) - x(brush[0]))} y="0" height={height - 16} />}
        {lanes.map((p, i) => {
          const a = x(p.start), b = x(p.exit ? p.exit.time : end), s = severityOf(m, p.n), y = y0 + i * LANE;
          return <g key={p.n} data-n={p.n} class="lanes" onClick={() => openProcess(p.n)}><title>{flat(`${procName(p)} ${p.pid}: ${p.existing ? "before the run" : time(p.start)} to ${p.exit ? time(p.exit.time) : "the end"}`)}</title>
            <rect class="box" x="0" y={y - 1} width={width} height={LANE - 1} />
            <text x="0" y={y + 11}>{flat(unbytes(procName(p))).slice(0, gutter < 100 ? 11 : 16)}</text>
            <rect class={`lane s-${s ?? "none"}`} x={a} width={Math.max(3, b - a)} y={y + 3} height={8} rx={1} /></g>;
        })}
        {marks.map((f, i) => <path key={i} class={`fm s-${f.s}`} d={symbol(f.s, x(f.t), top + 10)} onClick={() => openFinding(f.i)}><title>{`${time(f.t)} ${flat(f.title)}`}</title></path>)}
      </svg>
    </div>}
  </Section>;
}
function symbol(s: Severity, x: number, y: number): string {
  if (s === "high") return `M${x - 2} ${y - 5}h4l3 3v4l-3 3h-4l-3-3v-4z`;
  if (s === "medium") return `M${x} ${y - 5}l5 9h-10z`;
  return `M${x} ${y - 4}l4 4-4 4-4-4z`;
}
