// SPDX-License-Identifier: GPL-3.0-or-later
// Files, network, memory, statistics, static facts, notes.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { type Conversation, type Http, type Model, base, num, plural, size } from "./data";
import { Captures } from "./head";
import { EventLink, More, Proc, Section, Table, When, useWidth } from "./parts";
import { openEvent, openProcess, useSel } from "./state";
import { T, flat } from "./text";

export function Files({ m }: { m: Model }) {
  const [system, setSystem] = useState(false);
  const sel = useSel();
  const own = m.r.files.filter((f) => system || !f.system);
  const hidden = m.r.files.length - own.length;
  const copies = m.r.captures.filter((c) => system || !c.system);
  const mode = (n: number | null) => (n === null ? "" : n.toString(8).padStart(4, "0"));
  return <Section id="files" title="Files" count={m.r.files.filter((f) => !f.system).length}
    tools={(hidden > 0 || system) && <label class="check"><input type="checkbox" checked={system} onChange={() => setSystem(!system)} /> also what only the system itself touched{hidden > 0 ? ` (${num(hidden)})` : ""}</label>}>
    <Table rows={own} label="files" search={(f) => `${f.path} ${f.operations.join(" ")} ${f.sha256 ?? ""} ${f.other ?? ""}`}
      rowN={(f) => (sel.p && f.processes.includes(sel.p) ? sel.p : f.processes[0] ?? 0)}
      empty={m.r.completeness.started ? "It created, changed or read no file of interest." : "Nothing ran, so no file was touched."} columns={[
        { name: "First", cell: (f) => <When s={f.first} />, text: (f) => f.first },
        { name: "Path", cls: "mono grow", cell: (f) => <><T s={f.path} />{f.other && <small class="muted"> {f.operations.includes("renamed-away") ? "→" : "←"} <T s={dir(f.other) === dir(f.path) ? base(f.other) : f.other} /></small>}</>, text: (f) => f.path },
        { name: "What", cell: (f) => <>{f.operations.filter((o) => o !== "open").map((o) => <span class={`tag ${o === "execute" || o === "delete" ? "strong" : ""}`}>{OPS[o] ?? o}</span>)}</>, text: (f) => f.operations.join(" ") },
        { name: "By", cell: (f) => <>{f.processes.slice(0, 3).map((n) => <Proc m={m} n={n} />)}{f.processes.length + f.processes_more > 3 && <span class="muted"> +{f.processes.length + f.processes_more - 3}</span>}</>, sort: (f) => f.processes[0] ?? 0, text: (f) => f.processes.map((n) => m.name(n)).join(" ") },
        { name: "Size", cls: "r", cell: (f) => size(f.size), text: (f) => f.size },
        { name: "Mode", cls: "mono", cell: (f) => mode(f.mode), text: (f) => mode(f.mode) },
        { name: "SHA-256", cls: "mono", cell: (f) => f.sha256 ? <span class="hash" title={f.sha256}>{f.sha256.slice(0, 12)}…{f.truncated ? " (part)" : ""}</span> : <span class="muted">not captured</span>, text: (f) => f.sha256 },
      ]} />
    <More n={m.r.files_more} what="paths" />
    {copies.length > 0 && <details class="fold"><summary>Captured content: {plural(copies.length + m.r.captures_more, "copy", "copies")}</summary><Captures m={m} system={system} /></details>}
  </Section>;
}
const dir = (p: string) => p.slice(0, p.lastIndexOf("/") + 1);
const OPS: Record<string, string> = { create: "created", open: "opened", read: "read", write: "written", rename: "renamed to", "renamed-away": "renamed", delete: "deleted", mkdir: "folder made", rmdir: "folder removed",
  chmod: "mode", chown: "owner", link: "linked", truncate: "cut", map: "loaded", utime: "time set", list: "listed", xattr: "attribute", capture: "captured", watch: "watched", execute: "executed" };

function Exchange({ m, h }: { m: Model; h: Http }) {
  return <details class="exchange"><summary data-row data-n={h.process || undefined}>
    <When s={h.time} /><b>{h.method}</b><span class="mono grow"><T s={h.url} max={160} /></span>
    <span class={h.status >= 400 ? "bad" : ""}>{h.status || "no answer"}</span>{h.process ? <Proc m={m} n={h.process} /> : <span class="muted">process not known</span>}</summary>
    <div class="cols">
      <div><h4>Request</h4><pre><T s={h.headers || `${h.method ?? ""} ${h.url ?? ""}`} keep max={3000} /></pre>
        {h.body_size > 0 && <><h4>Body, {size(h.body_size)}</h4><pre><T s={h.body} keep max={3000} /></pre></>}</div>
      <div><h4>Response <small class="muted">made up by the simulated internet</small></h4><pre>{h.status ? `${h.status}` : "no answer"}{"\n"}{h.content_type ? <>Content-Type: <T s={h.content_type} /></> : null}</pre>
        <p class="note">to <T s={h.ip} /> port {h.port}. <EventLink m={m} name={`net:${h.seq}`}>Open the event</EventLink></p></div>
    </div></details>;
}

/* Two clocks: who reads the order of a connect and its first packet must know how exact it is. */
const clock = (m: Model): string => {
  const e = m.r.completeness.clock_error;
  return e === null ? "" : ` Its times were taken outside and brought to the machine's clock, to within ${e < 0.0005 ? "0.5" : (e * 1000).toFixed(e < 0.01 ? 1 : 0)} ms.`;
};

const KIND: Record<string, string> = { url: "URL", ip: "address", domain: "name", email: "e-mail" };
export function Indicators({ m }: { m: Model }) {
  return <Section id="indicators" title="Indicators" count={m.r.indicators.length}
    note={m.r.indicators.length > 0 ? "Addresses to look for elsewhere, each once. Those that the simulated internet made up for names are left out." : undefined}>
    <Table rows={m.r.indicators} label="indicators" search={(i) => `${i.kind} ${i.value} ${i.origins.join(" ")}`} rowN={(i) => i.process}
      empty="Neither the file nor what it did names an address." columns={[
        { name: "Kind", cell: (i) => KIND[i.kind] ?? i.kind, text: (i) => i.kind },
        { name: "Value", cls: "mono grow", cell: (i) => <T s={i.value} max={200} />, text: (i) => i.value },
        { name: "Seen in", cell: (i) => <>{i.origins.map((o) => <span class="tag">{o}</span>)}</>, text: (i) => i.origins.join(" ") },
        { name: "First by", cell: (i) => i.process ? <Proc m={m} n={i.process} /> : "", sort: (i) => i.process, text: (i) => m.name(i.process) },
      ]} />
    <More n={m.r.indicators_more} what="indicators" />
  </Section>;
}

export function Network({ m }: { m: Model }) {
  const n = m.r.network;
  const ran = m.r.completeness.started;
  const [local, setLocal] = useState(false);
  const inner = (ip: string | null) => /^(127\.|::1$|0\.0\.0\.0)/.test(ip ?? "");
  const quiet = (c: Conversation) => inner(c.ip) || (c.port === 53 && n.dns.length > 0);
  const talks = n.conversations.filter((c) => local || !quiet(c));
  return <Section id="network" title="Network" count={n.conversations.filter((c) => !quiet(c)).length + n.dns.length + n.http.length || 0}
    note={m.r.completeness.network_simulated ? <>The internet was simulated: every name resolves and every port answers, so an answer here does not mean that the server exists.{clock(m)}</> : undefined}
    tools={n.conversations.some(quiet) && <label class="check"><input type="checkbox" checked={local} onChange={() => setLocal(!local)} /> also DNS packets and what stays inside the machine</label>}>
    <h3>Conversations</h3>
    <Table rows={talks} label="conversations" search={(c) => `${c.host} ${c.ip} ${c.port} ${c.application} ${m.name(c.process)}`} rowN={(c) => c.process}
      empty={ran ? "It talked to nobody." : "Nothing ran, so nothing was sent."} columns={[
        { name: "Time", cell: (c) => <When s={c.time} />, text: (c) => c.time },
        { name: "To", cls: "mono grow", cell: (c) => <><T s={c.host || c.ip} />{c.host && c.ip && <small class="muted"> <T s={c.ip} /></small>}{c.accepted && <span class="tag strong">came in</span>}</>, text: (c) => `${c.host ?? ""} ${c.ip ?? ""}` },
        { name: "Port", cls: "r", cell: (c) => c.port, text: (c) => c.port },
        { name: "Speaks", cell: (c) => <>{c.protocol}{c.application ? ` · ${c.application}` : ""}</>, text: (c) => `${c.protocol} ${c.application ?? ""}` },
        { name: "Sent", cls: "r", cell: (c) => size(c.sent), text: (c) => c.sent },
        { name: "Received", cls: "r", cell: (c) => size(c.received), text: (c) => c.received },
        { name: "First bytes", cls: "mono", cell: (c) => <T s={c.first_bytes} max={32} />, text: (c) => c.first_bytes },
        { name: "By", cell: (c) => c.process ? <Proc m={m} n={c.process} /> : <span class="muted" title="the tracer saw no socket with these ports">not known</span>, text: (c) => m.name(c.process) },
      ]} />
    <More n={n.conversations_more} what="conversations" />
    {n.http.length > 0 && <><h3>HTTP <span class="count">{n.http.length}</span></h3><div class="exchanges">{n.http.slice(0, 200).map((h) => <Exchange m={m} h={h} key={h.seq} />)}</div>
      <More n={n.http_more + Math.max(0, n.http.length - 200)} what="requests" /></>}
    <h3>DNS</h3>
    <Table rows={n.dns} label="names" search={(d) => `${d.name} ${d.results}`} rowN={(d) => d.process} empty={ran ? "It asked for no name." : "Nothing ran, so no name was asked for."} columns={[
      { name: "Time", cell: (d) => <When s={d.time} />, text: (d) => d.time },
      { name: "Name", cls: "mono grow", cell: (d) => <T s={d.name} />, text: (d) => d.name },
      { name: "Type", cell: (d) => <T s={d.type} />, text: (d) => d.type },
      { name: "Answer", cls: "mono", cell: (d) => <T s={d.results} max={120} />, text: (d) => d.results },
      { name: "Asked", cls: "r", cell: (d) => `${num(d.count)}×`, text: (d) => d.count },
      { name: "By", cell: (d) => d.process ? <Proc m={m} n={d.process} /> : <span class="muted">not known</span>, text: (d) => m.name(d.process) },
    ]} />
    <More n={n.dns_more} what="names" />
    {n.listens.length > 0 && <><h3>Listens</h3><Table rows={n.listens} label="listeners" rowN={(l) => l.process} empty="" columns={[
      { name: "Time", cell: (l) => <When s={l.time} />, text: (l) => l.time },
      { name: "Where", cls: "mono", cell: (l) => <><T s={l.protocol} /> <T s={l.ip} />{l.port ? `:${l.port}` : ""}</>, text: (l) => `${l.protocol} ${l.ip}:${l.port}` },
      { name: "By", cell: (l) => <Proc m={m} n={l.process} />, text: (l) => m.name(l.process) }]} /><More n={n.listens_more} what="listeners" /></>}
    {n.scans.length > 0 && <><h3>Scans</h3><ul>{n.scans.map((s) => <li><When s={s.time} /> tried {plural(s.hosts, "host")} and {plural(s.ports, "port")}, for example <span class="mono"><T s={s.example} /></span></li>)}</ul></>}
  </Section>;
}

const MEMORY: Record<string, string> = { "memory.map": "maps memory that is writable and executable", "memory.protect": "makes memory executable", "memory.memfd": "makes a file in memory only",
  "memory.remote": "reaches into another process", "memory.dumped": "copied for you", "process.ptrace": "ptrace" };
export function Memory({ m }: { m: Model }) {
  return <Section id="memory" title="Memory" count={m.r.memory.length}>
    <Table rows={m.r.memory} label="memory events" search={(r) => `${r.kind} ${r.detail} ${r.reason} ${m.name(r.process)}`} onRow={(r) => openEvent(m, `${r.source}:${r.seq}`)} rowN={(r) => r.process}
      empty={m.r.completeness.started ? "It made no memory executable, used no memory files and touched no other process." : "Nothing ran, so there is no memory to speak of."} columns={[
        { name: "Time", cell: (r) => <When s={r.time} />, text: (r) => r.time },
        { name: "Process", cell: (r) => <Proc m={m} n={r.process} />, text: (r) => m.name(r.process) },
        { name: "What", cls: "grow", cell: (r) => <>{MEMORY[r.kind] ?? r.kind} <span class="mono"><T s={r.detail} /></span>{r.access && <> ({r.access})</>}{r.target ? <> of <Proc m={m} n={r.target} /></> : r.target_pid ? ` of pid ${r.target_pid}` : ""}</>, text: (r) => `${r.kind} ${r.detail ?? ""}` },
        { name: "Address", cls: "mono", cell: (r) => r.address, text: (r) => r.address },
        { name: "Size", cls: "r", cell: (r) => (r.length ? size(r.length) : ""), text: (r) => r.length },
        { name: "Rights", cls: "mono", cell: (r) => r.protection, text: (r) => r.protection },
        { name: "Copy", cls: "mono", cell: (r) => r.sha256 && <span class="hash" title={r.sha256}>{r.sha256.slice(0, 12)}… <small class="muted">{r.reason}{r.truncated ? ", first part" : ""}</small></span>, text: (r) => r.sha256 },
      ]} />
    <More n={m.r.memory_more} what="memory events" />
  </Section>;
}

interface Line { name: string; n?: number; points: [number, number][]; cls?: string }
function Chart({ title, lines, unit, max }: { title: string; lines: Line[]; unit: (v: number) => string; max?: number }) {
  const [ref, width] = useWidth();
  const H = 96, L = 58;
  const end = Math.max(1, ...lines.flatMap((l) => l.points.map((p) => p[0])));
  const top = max ?? Math.max(1, ...lines.flatMap((l) => l.points.map((p) => p[1]))) * 1.1;
  const x = (t: number) => L + (Math.max(0, t) / end) * (width - L - 6), y = (v: number) => 8 + (1 - v / top) * (H - 26);
  return <figure class="chart" ref={ref}><figcaption>{title}</figcaption>
    <svg width={width} height={H} role="img" aria-label={title}>
      {[0, 0.5, 1].map((f) => <g><path class="grid" d={`M${L} ${y(top * f)}H${width - 6}`} /><text class="sub" x={L - 6} y={y(top * f) + 3} text-anchor="end">{unit(top * f)}</text></g>)}
      <text class="sub" x={L} y={H - 3}>0 s</text><text class="sub" x={width - 6} y={H - 3} text-anchor="end">{end.toFixed(0)} s</text>
      {lines.map((l, i) => <g data-n={l.n} onClick={() => l.n && openProcess(l.n)}><title>{flat(l.name)}</title><path class={`line l${i % 4} ${l.cls ?? ""}`} d={l.points.map((p, j) => `${j ? "L" : "M"}${x(p[0]).toFixed(1)} ${y(p[1]).toFixed(1)}`).join("")} /></g>)}
    </svg>
    {lines.length > 1 && <div class="legend">{lines.map((l, i) => <span><i class={`k l${i % 4}`} />{l.n ? <Named n={l.n} name={l.name} /> : l.name}</span>)}</div>}
  </figure>;
}
const Named = ({ n, name }: { n: number; name: string }) => <button class="link" data-n={n} onClick={() => openProcess(n)}><T s={name} max={24} /></button>;

export function Stats({ m }: { m: Model }) {
  const s = m.r.stats;
  const rate = (l: { time: number; cpu_ms: number }[]): [number, number][] => l.slice(1).map((p, i) => [p.time, Math.max(0, (p.cpu_ms - l[i].cpu_ms) / Math.max(1, (p.time - l[i].time) * 1000)) * 100]);
  const busy = [...s.processes].filter((p) => p.samples.length > 1).sort((a, b) => b.samples[b.samples.length - 1].cpu_ms - a.samples[a.samples.length - 1].cpu_ms).slice(0, 4);
  const kinds = Object.entries(s.kinds).sort((a, b) => b[1] - a[1]);
  const calls = new Map<string, number>();
  for (const p of m.r.processes) if (p.lineage !== "system") for (const c of p.syscalls.top) calls.set(c.name, (calls.get(c.name) ?? 0) + c.count);
  const top = [...calls].sort((a, b) => b[1] - a[1]).slice(0, 14);
  return <Section id="stats" title="System statistics">
    {s.system.length < 2 ? <p class="empty">The run was too short for a curve: the load is measured once per second.</p> : <div class="charts">
      <Chart title="Processor, whole machine" unit={(v) => `${Math.round(v)} %`} max={100} lines={[{ name: "busy", points: s.system.map((p) => [p.time, p.cpu_permille / 10]) }]} />
      <Chart title="Memory, whole machine" unit={(v) => size(v * 1024)} max={s.system[0].total_kib} lines={[{ name: "used", points: s.system.map((p) => [p.time, p.used_kib]) }]} />
      {busy.length > 0 && <Chart title="Processor, by process" unit={(v) => `${Math.round(v)} %`} lines={busy.map((p) => ({ name: m.name(p.process), n: p.process, points: rate(p.samples) }))} />}
      {busy.length > 0 && <Chart title="Memory, by process" unit={(v) => size(v * 1024)} lines={busy.map((p) => ({ name: m.name(p.process), n: p.process, points: p.samples.map((q) => [q.time, q.rss_kib]) }))} />}
    </div>}
    <div class="cols">
      {kinds.length > 0 && <div><h3>Events by kind</h3><table class="plain">{kinds.slice(0, 14).map(([k, n]) => <tr><td>{k}</td><td class="r">{num(n)}</td></tr>)}</table></div>}
      {top.length > 0 && <div><h3>System calls</h3><table class="plain">{top.map(([k, n]) => <tr><td class="mono">{k}</td><td class="r">{num(n)}</td></tr>)}</table></div>}
    </div>
  </Section>;
}

/* ---- static facts: whatever triage wrote, in words ---- */
const nice = (k: string) => ({ md5: "MD5", sha1: "SHA-1", sha256: "SHA-256", sha512: "SHA-512", elf: "ELF", pe: "PE", url: "URL", urls: "URLs", ip: "IP", ips: "IPs", crc32: "CRC-32", ssdeep: "ssdeep", tlsh: "TLSH" } as Record<string, string>)[k]
  ?? k.replace(/[_-]/g, " ").replace(/^./, (c) => c.toUpperCase());
const scalar = (v: unknown) => v === null || typeof v !== "object";
function Value({ k, v }: { k: string; v: unknown }) {
  if (v === null || v === "") return <span class="muted">none</span>;
  if (typeof v === "boolean") return <>{v ? "yes" : "no"}</>;
  if (k === "created" && typeof v === "number" && v > 0 && v < 8e12) return <>{new Date(v * 1000).toISOString().slice(0, 19)}Z</>;
  if (typeof v === "number") return <>{/size|bytes|length/.test(k) && v >= 0 ? `${size(v)}${v > 1023 ? ` (${num(v)} bytes)` : ""}` : /entropy/.test(k) ? v.toFixed(2) : num(v)}</>;
  return <span class={typeof v === "string" && v.length > 16 && /^\S+$/.test(v) ? "mono" : ""}><T s={String(v)} max={300} /></span>;
}
function Any({ k, v, depth }: { k: string; v: unknown; depth: number }): ComponentChildren {
  if (scalar(v)) return <Value k={k} v={v} />;
  if (Array.isArray(v)) {
    if (!v.length) return <span class="muted">none</span>;
    if (v.every(scalar)) return v.length <= 8 ? <ul class="flat">{v.map((x) => <li><Value k={k} v={x} /></li>)}</ul>
      : <Table rows={v} label={nice(k).toLowerCase()} search={(x) => String(x)} empty="" columns={[{ name: nice(k), cls: "mono", cell: (x) => <Value k={k} v={x} />, text: (x) => x as string }]} />;
    const keys = [...new Set(v.flatMap((x) => (scalar(x) ? [] : Object.keys(x as object))))].slice(0, 10);
    return <Table<Record<string, unknown>> rows={v as Record<string, unknown>[]} label={nice(k).toLowerCase()} search={(x) => JSON.stringify(x)} empty=""
      columns={keys.map((c) => ({ name: nice(c), cell: (x) => (scalar(x[c]) ? <Value k={c} v={x[c] ?? null} /> : <span class="mono"><T s={JSON.stringify(x[c])} max={120} plain /></span>), text: (x) => (scalar(x[c]) ? (x[c] as string) : JSON.stringify(x[c])) }))} />;
  }
  const entries = Object.entries(v as object);
  const flatOnes = entries.filter(([, x]) => scalar(x)), deep = entries.filter(([, x]) => !scalar(x) && !(Array.isArray(x) && !x.length) && Object.keys(x as object).length);
  return <>{flatOnes.length > 0 && <dl class="kv">{flatOnes.map(([c, x]) => <div><dt>{nice(c)}</dt><dd><Value k={c} v={x} /></dd></div>)}</dl>}
    {deep.map(([c, x]) => <details class="fold" open={depth < 1 && !/string|import|symbol/.test(c)}><summary>{nice(c)}{Array.isArray(x) && <span class="count">{num(x.length)}</span>}</summary>{depth < 6 ? <Any k={c} v={x} depth={depth + 1} /> : <pre><T s={JSON.stringify(x)} plain max={2000} /></pre>}</details>)}</>;
}
export function Static({ m }: { m: Model }) {
  return <Section id="static" title="The file itself">
    {m.r.static ? <Any k="" v={m.r.static} depth={0} /> : <p class="empty">There is no file to look into: a command line was run, or the static stage left nothing.</p>}
  </Section>;
}

export function Notes({ m }: { m: Model }) {
  const c = m.r.completeness;
  return <Section id="notes" title="Trust and notes" note={`${c.sentence}.`}>
    <div class="cols"><div><h3>What was not proved</h3>
      {c.not_proved.length ? <ul>{c.not_proved.map((t) => <li><T s={t} plain /></li>)}</ul> : <p class="empty">Nothing is known to be missing.</p>}
      {c.problems.length > 0 && <><h3>Problems of the report</h3><ul>{c.problems.map((t) => <li><T s={t} plain /></li>)}</ul></>}
      {(c.texts_cut > 0 || c.texts_lost > 0 || c.unknown_kinds > 0) && <p class="note">{c.texts_cut > 0 && `${plural(c.texts_cut, "long text")} cut to 16 KiB. `}{c.texts_lost > 0 && `${plural(c.texts_lost, "text")} not kept (memory limit). `}{c.unknown_kinds > 0 && `${plural(c.unknown_kinds, "event")} of kinds that this version does not know.`}</p>}
    </div><div><h3>Where the events come from</h3>
      <table class="plain"><thead><tr><th>Source</th><th class="r">Events</th><th class="r">Lost</th><th class="r">Gaps</th></tr></thead><tbody>{c.sources.map((s) => <tr><td>{s.source}</td><td class="r">{num(s.events)}</td><td class="r">{num(s.lost)}</td><td class="r">{num(s.gaps)}</td></tr>)}</tbody></table>
    </div></div>
    <h3>Said during the run</h3>
    {m.r.notes.length ? <ul class="evidence">{m.r.notes.map((n) => <li><When s={n.time} /> <span class="tag">{n.code}</span> <T s={n.text} />{n.bytes > 0 && <span class="muted"> ({size(n.bytes)} thrown away)</span>}</li>)}</ul> : <p class="empty">Nothing out of the ordinary was said.</p>}
    <More n={m.r.notes_more} what="notes" />
    {m.r.run && <details class="fold"><summary>How it was run</summary><Any k="" v={m.r.run} depth={1} /></details>}
    {m.r.submission && <details class="fold"><summary>What was submitted</summary><Any k="" v={m.r.submission} depth={1} /></details>}
    <p class="note">{m.r.product} {m.r.version} · case {m.r.case ?? "without a name"} · model {m.r.schema}</p>
  </Section>;
}
