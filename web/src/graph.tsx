// SPDX-License-Identifier: GPL-3.0-or-later
// Behaviour graph: processes by generation from left to right, then files and hosts. Aggregated to stay readable.
import { useMemo, useRef, useState } from "preact/hooks";
import { type FileRow, type Model, type Process, type Severity, base, num, procName, worst } from "./data";
import { Section, useWidth } from "./parts";
import { severityOf } from "./head";
import { go, openProcess, select, useSel } from "./state";
import { flat, unbytes } from "./text";

interface Node { id: string; type: "process" | "file" | "host"; title: string; sub: string; n: number; s: Severity | null; col: number; y: number; row: number; group: string; weight: number; search?: string }
interface Edge { from: string; to: string; verbs: Map<string, number> }
const MAX = { process: 22, file: 20, host: 14 };

const dir = (p: string) => p.slice(0, Math.max(1, p.lastIndexOf("/")));
/* report.odt -> report.odt.locked: "renames to *.locked" */
const suffix = (f: FileRow): string => (f.operations.includes("renamed-away") && f.other?.startsWith(f.path + ".") ? ` to *${f.other.slice(f.path.length)}` : "");
const verb = (f: FileRow): string => {
  const o = f.operations;
  const how = o.includes("rename") || o.includes("renamed-away") ? `renames${suffix(f)}` : o.includes("create") ? (f.executed ? "drops" : "creates")
    : o.includes("write") || o.includes("truncate") ? "writes" : o.includes("chmod") ? "changes mode of" : o.includes("delete") ? "" : o.includes("read") ? "reads" : "touches";
  return o.includes("delete") ? (how ? `${how}, deletes` : "deletes") : how;
};

function make(m: Model, opened: Set<string>) {
  const nodes = new Map<string, Node>(), edges = new Map<string, Edge>(), owner = new Map<number, string>();
  const add = (n: Omit<Node, "y" | "row">) => { const o = nodes.get(n.id); if (!o) nodes.set(n.id, { ...n, y: 0, row: 0 }); else { o.weight += n.weight; o.s = worst([o.s, n.s].filter(Boolean) as Severity[]); } };
  const link = (from: string, to: string, v: string) => {
    const k = `${from}>${to}`, e = edges.get(k) ?? { from, to, verbs: new Map<string, number>() };
    e.verbs.set(v, (e.verbs.get(v) ?? 0) + 1);
    edges.set(k, e);
  };

  const own = m.r.processes.filter((p) => p.lineage !== "system" || m.ofProc.has(p.n));
  const depth = new Map<number, number>();
  const level = (p: Process, guard = 0): number => {
    const known = depth.get(p.n);
    if (known !== undefined) return known;
    const q = m.procs.get(p.parent);
    const d = q && own.includes(q) && guard < 60 ? level(q, guard + 1) + 1 : 0;
    depth.set(p.n, d);
    return d;
  };
  /* siblings with the same name are one node, unless opened */
  const groups = new Map<string, Process[]>();
  for (const p of own.slice(0, 3000)) {
    const parent = owner.get(p.parent) ?? "";
    const k = `g${parent}/${procName(p)}`;
    owner.set(p.n, k);
    groups.set(k, [...(groups.get(k) ?? []), p]);
  }
  const interest = (l: Process[]) => Math.max(...l.map((p) => p.badges.length * 4 + (m.children.has(p.n) ? 2 : 0))) + (level(l[0]) === 0 ? 50 : 0);
  const kept = [...groups].sort((a, b) => interest(b[1]) - interest(a[1])).slice(0, MAX.process);
  let left = own.length - kept.reduce((n, [, l]) => n + l.length, 0);
  const keptIds = new Set(kept.map(([k]) => k));
  for (const [k, l] of kept) {
    const open = opened.has(k) && l.length <= 12;
    for (const part of open ? l.map((p) => [p]) : [l]) {
      const p = part[0], id = open ? `p${p.n}` : k;
      for (const q of part) owner.set(q.n, id);
      add({ id, type: "process", title: unbytes(procName(p)), sub: part.length > 1 ? `× ${part.length}` : `pid ${p.pid}`, n: p.n, s: worst(part.map((q) => severityOf(m, q.n)).filter(Boolean) as Severity[]), col: Math.min(level(p), 5), group: l.length > 1 ? k : "", weight: 1 });
    }
  }
  for (const [, l] of kept) {
    let q = m.procs.get(l[0].parent);
    for (let i = 0; q && i < 60 && !nodes.has(owner.get(q.n) ?? ""); i++) q = m.procs.get(q.parent);
    const from = q && own.includes(q) ? owner.get(q.n) : undefined;
    if (from && nodes.has(from)) for (const p of l) { const to = owner.get(p.n)!; if (to !== from) link(from, to, "starts"); }
  }
  const columns = Math.max(0, ...[...nodes.values()].map((n) => n.col));
  /* files: by process, verb and folder */
  const known = new Set(m.r.files.map((f) => f.path));
  const target = (f: FileRow) => f.operations.includes("rename") && !f.operations.includes("renamed-away") && !f.executed && f.other !== null && known.has(f.other);
  const files = m.r.files.filter((f) => !f.system && !target(f) && f.processes.some((n) => keptIds.size && nodes.has(owner.get(n) ?? "")));
  const fg = new Map<string, { from: string; v: string; d: string; l: FileRow[] }>();
  for (const f of files) {
    const from = owner.get(f.processes.find((n) => nodes.has(owner.get(n) ?? ""))!)!, v = verb(f), d = dir(f.path);
    const k = `${from}|${v}|${d}`, g = fg.get(k);
    if (g) g.l.push(f); else fg.set(k, { from, v, d, l: [f] });
  }
  const score = (l: FileRow[]) => Math.max(...l.map((f) => (f.executed ? 40 : 0) + (f.sha256 ? 8 : 0) + (/^\/(etc|usr|root|home|lib|boot)/.test(f.path) ? 10 : 0) + (f.operations.includes("read") ? 4 : 0))) + Math.min(20, l.length);
  const list = [...fg].sort((a, b) => score(b[1].l) - score(a[1].l));
  left += Math.max(0, list.length - MAX.file);
  for (const [k, g] of list.slice(0, MAX.file)) {
    const open = g.l.length === 1 || (opened.has(k) && g.l.length <= 12);
    for (const f of open ? g.l : [null]) {
      const id = f ? `f${f.path}` : `d${k}`;
      add({ id, type: "file", title: unbytes(f ? base(f.path) : `${num(g.l.length)} files`), sub: unbytes(g.d), n: 0, s: f?.executed ? "medium" : null, col: columns + 1, group: g.l.length > 1 ? k : "", weight: 1, search: f ? f.path : g.d });
      link(g.from, id, g.v);
      if (f?.executed) for (const p of own) if ((p.image === f.path || p.script === f.path) && nodes.has(owner.get(p.n) ?? "") && owner.get(p.n) !== g.from) link(id, owner.get(p.n)!, "runs as");
    }
  }
  /* hosts */
  const hosts = new Map<string, { from: string; name: string; ips: Set<string>; n: number; v: string }>();
  for (const c of m.r.network.conversations) {
    const from = owner.get(c.process);
    if (!from || !nodes.has(from) || c.application === "dns" || c.port === 53 || (c.ip ?? "").startsWith("127.")) continue;
    const name = c.host || c.ip || "?", v = c.accepted ? "is called by" : c.application || `${c.protocol} ${c.port}`, k = `${from}|${name}|${v}`;
    const h = hosts.get(k) ?? { from, name, ips: new Set<string>(), n: 0, v };
    h.n++;
    if (c.ip) h.ips.add(c.ip);
    hosts.set(k, h);
  }
  const hl = [...hosts.values()].sort((a, b) => b.n - a.n), names = new Set<string>();
  for (const h of hl) {
    if (!names.has(h.name) && names.size >= MAX.host) { left++; continue; }
    names.add(h.name);
    add({ id: `h${h.name}`, type: "host", title: unbytes(h.name), sub: [...h.ips].filter((x) => x !== h.name).slice(0, 2).join(", "), n: 0, s: null, col: columns + 1, group: "", weight: h.n, search: h.name });
    for (let i = 0; i < h.n; i++) link(h.from, `h${h.name}`, h.v);
  }
  return { nodes: [...nodes.values()], edges: [...edges.values()], left, columns: columns + 2 };
}

const W = 168, H = 38;
function layout(nodes: Node[], edges: Edge[], columns: number, width: number) {
  const by: Node[][] = Array.from({ length: columns }, (_, c) => nodes.filter((n) => n.col === c));
  const map = new Map(nodes.map((n) => [n.id, n]));
  const sources = new Map<string, Node[]>();
  for (const e of edges) { const a = map.get(e.from), b = map.get(e.to); if (a && b && a.col < b.col) sources.set(b.id, [...(sources.get(b.id) ?? []), a]); }
  for (const col of by) {
    const want = (n: Node) => { const s = sources.get(n.id); return s ? s.reduce((t, a) => t + a.y, 0) / s.length : 0; };
    col.sort((a, b) => want(a) - want(b) || a.type.localeCompare(b.type));
    let y = 0;
    col.forEach((n, i) => { n.row = i; n.y = Math.max(y, Math.min(want(n), y + 60)); y = n.y + H + 14; });
  }
  const height = Math.max(80, ...nodes.map((n) => n.y + H)) + 8;
  const step = Math.max(W + 74, Math.min(300, (width - W - 8) / Math.max(1, columns - 1)));
  return { map, height, x: (c: number) => 4 + c * step, total: Math.max(width, 4 + (columns - 1) * step + W + 8) };
}
const cut = (s: string, n: number) => { const f = flat(s); return f.length > n ? f.slice(0, n - 1) + "…" : f; };

export function Graph({ m }: { m: Model }) {
  const [opened, setOpened] = useState<Set<string>>(new Set());
  const [ref, width] = useWidth();
  const svg = useRef<SVGSVGElement>(null);
  const sel = useSel();
  const g = useMemo(() => make(m, opened), [m, opened]);
  const l = useMemo(() => layout(g.nodes, g.edges, g.columns, width), [g, width]);
  const click = (n: Node) => {
    if (n.group && !opened.has(n.group)) setOpened(new Set([...opened, n.group]));
    else if (n.type === "process") openProcess(n.n);
    else { select({ q: n.search ?? "" }); go("events"); }
  };
  const colours = () => { const s = getComputedStyle(document.documentElement); return (v: string) => s.getPropertyValue(v).trim(); };
  const source = () => {
    const c = colours(), copy = svg.current!.cloneNode(true) as SVGSVGElement;
    const style = document.createElementNS("http://www.w3.org/2000/svg", "style");
    style.textContent = `text{font:12px sans-serif;fill:${c("--text")}}.sub,.verb{font-size:10px;fill:${c("--muted")}}.box{fill:${c("--panel")};stroke:${c("--line2")}}.edge{fill:none;stroke:${c("--line2")}}.n-high>.box{stroke:${c("--high")};stroke-width:2}.n-medium>.box{stroke:${c("--medium")};stroke-width:2}`;
    copy.prepend(style);
    copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    return `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(copy))}`;
  };
  const save = (href: string, name: string) => { const a = document.createElement("a"); a.href = href; a.download = name; a.click(); };
  const png = () => {
    const img = new Image();
    img.onload = () => {
      const c = document.createElement("canvas"), x = c.getContext("2d")!;
      c.width = l.total * 2; c.height = l.height * 2;
      x.fillStyle = colours()("--bg");
      x.fillRect(0, 0, c.width, c.height);
      x.drawImage(img, 0, 0, c.width, c.height);
      save(c.toDataURL("image/png"), "behaviour.png");
    };
    img.src = source();
  };
  if (!g.nodes.length) return <Section id="graph" title="Behaviour graph"><p class="empty">There is nothing to draw, because no process of the sample was seen.</p></Section>;
  return <Section id="graph" title="Behaviour graph"
    tools={<>{opened.size > 0 && <button class="tool" onClick={() => setOpened(new Set())}>Fold again</button>}<button class="tool" onClick={() => save(source(), "behaviour.svg")}>SVG</button><button class="tool" onClick={png}>PNG</button></>}
    note={<>From left to right: processes, then files and hosts. {g.left > 0 && `${num(g.left)} of less interest are left out. `}Groups open on a click.</>}>
    <div class="graph" ref={ref}><svg ref={svg} width={l.total} height={l.height} viewBox={`0 0 ${l.total} ${l.height}`} role="img" aria-label="Behaviour graph; the same facts stand in the tables">
      {g.edges.map((e) => {
        const a = l.map.get(e.from), b = l.map.get(e.to);
        if (!a || !b) return null;
        const back = b.col <= a.col, x1 = l.x(a.col) + (back ? 0 : W), y1 = a.y + H / 2 + 2, x2 = l.x(b.col) + (back ? W : 0), y2 = b.y + H / 2 + 2;
        const bend = back ? -40 : Math.min(90, (x2 - x1) * 0.5), lx = x2 - (back ? -8 : 10);
        const words = [...e.verbs].filter(([v]) => v !== "starts").map(([v, n]) => (n > 1 ? `${v} ×${n}` : v)).join(", ");
        return <g key={`${e.from}>${e.to}`}><title>{flat(words || "starts")}</title>
          <path class={back ? "edge back" : "edge"} d={`M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`} />
          <path class="tip" d={back ? `M${x2} ${y2}l6-3v6z` : `M${x2} ${y2}l-6-3v6z`} />
          {!back && words && <text class="verb" x={lx} y={y2 - 4} text-anchor="end">{cut(words, 24)}</text>}
        </g>;
      })}
      {g.nodes.map((n) => <g key={n.id} class={`node ${n.type} n-${n.s ?? "none"}`} data-n={n.n || undefined} tabIndex={0} role="button" aria-label={flat(`${n.title} ${n.sub}`)}
        transform={`translate(${l.x(n.col)} ${n.y + 2})`} onClick={() => click(n)} onKeyDown={(e) => { if (e.key === "Enter") click(n); }} aria-pressed={n.n > 0 && sel.p === n.n}>
        <title>{`${flat(n.title)}\n${flat(n.sub)}`}</title>
        <rect class="box" width={W} height={H} rx={n.type === "process" ? 3 : n.type === "host" ? 19 : 0} />
        {n.group && !opened.has(n.group) && <path class="stack" d={`M4 ${H + 3}h${W - 8}`} />}
        <text x={n.type === "host" ? 16 : 10} y="16">{cut(n.title, n.type === "host" ? 19 : 20)}</text>
        <text class="sub" x={n.type === "host" ? 16 : 10} y="30">{cut(n.sub, n.type === "host" ? 22 : 24)}</text>
      </g>)}
    </svg></div>
  </Section>;
}
