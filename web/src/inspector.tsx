// SPDX-License-Identifier: GPL-3.0-or-later
// What is selected: a process or an event, beside whatever section is being read.
import { useEffect, useRef } from "preact/hooks";
import { type Model, type Process, num, plural, procName, size, time } from "./data";
import { Copy, Dot, Proc, When, absolute } from "./parts";
import { Badges, exitText } from "./tree";
import { go, openEvent, openFinding, openProcess, select, useSel } from "./state";
import { T, unbytes } from "./text";

function Ancestry({ m, p }: { m: Model; p: Process }) {
  const up: Process[] = [];
  for (let q = m.procs.get(p.parent); q && up.length < 12; q = m.procs.get(q.parent)) up.unshift(q);
  if (!up.length) return <span class="muted">not known</span>;
  return <>{up.map((q) => <><Proc m={m} n={q.n} /> ▸ </>)}<b><T s={procName(p)} max={40} /></b></>;
}

function ProcessView({ m, p }: { m: Model; p: Process }) {
  const kids = m.children.get(p.n) ?? [], found = m.ofProc.get(p.n) ?? [];
  const files = m.r.files.filter((f) => f.processes.includes(p.n)), talks = m.r.network.conversations.filter((c) => c.process === p.n);
  const counts = Object.entries(p.counts).sort((a, b) => b[1] - a[1]);
  return <>
    <h2><T s={procName(p)} max={60} /> <span class="pid">{p.pid}</span></h2>
    <p><Badges m={m} list={p.badges} /></p>
    <dl class="kv">
      <div><dt>Program</dt><dd class="mono"><T s={p.image} />{p.anonymous && " (has no file)"}</dd></div>
      {p.script && p.script !== p.image && <div><dt>Script</dt><dd class="mono"><T s={p.script} /></dd></div>}
      <div><dt>Command line</dt><dd class="mono"><T s={p.cmdline} max={1200} /> {p.cmdline && <Copy text={() => unbytes(p.cmdline!)} />}</dd></div>
      <div><dt>Folder</dt><dd class="mono"><T s={p.cwd} /></dd></div>
      <div><dt>User</dt><dd><T s={p.user} />{p.uid !== p.euid && ` (real uid ${p.uid})`}</dd></div>
      <div><dt>Ran</dt><dd>{p.existing ? "from before the run" : <When s={p.start} />} to {p.exit ? <When s={p.exit.time} /> : "the end"}, {exitText(p)}</dd></div>
      <div><dt>Ancestry</dt><dd><Ancestry m={m} p={p} /></dd></div>
      {p.adopted_because && <div><dt>Counted in because</dt><dd><T s={p.adopted_because} plain /></dd></div>}
      {p.environment && <div><dt>Environment</dt><dd><pre><T s={p.environment} keep max={600} /></pre></dd></div>}
    </dl>
    {found.length > 0 && <><h3>Findings</h3><ul class="flat">{found.map((i) => <li><button class="link quiet" onClick={() => openFinding(i)}><Dot s={m.r.findings[i].severity} /> <T s={m.r.findings[i].title} plain /></button></li>)}</ul></>}
    {kids.length > 0 && <><h3>Started</h3><p>{kids.slice(0, 30).map((k) => <Proc m={m} n={k.n} />)}{kids.length > 30 && ` and ${num(kids.length - 30)} more`}</p></>}
    {files.length > 0 && <><h3>Files <span class="count">{files.length}</span></h3><ul class="flat mono">{files.slice(0, 12).map((f) => <li><T s={f.path} /> <small class="muted">{f.operations.join(", ")}</small></li>)}</ul>{files.length > 12 && <button class="link" onClick={() => go("files")}>all {num(files.length)} in the table</button>}</>}
    {talks.length > 0 && <><h3>Network <span class="count">{talks.length}</span></h3><ul class="flat mono">{talks.slice(0, 12).map((c) => <li><T s={c.host || c.ip} />:{c.port} <small class="muted">{c.application ?? c.protocol} {c.sent !== null && `sent ${size(c.sent)}, received ${size(c.received)}`}</small></li>)}</ul></>}
    {counts.length > 0 && <><h3>Did</h3><table class="plain">{counts.slice(0, 14).map(([k, n]) => <tr><td><button class="link quiet" onClick={() => { select({ k }); go("events"); }}>{k}</button></td><td class="r">{num(n)}</td></tr>)}</table></>}
    {p.syscalls.top.length > 0 && <><h3>System calls <span class="count">{num(p.syscalls.total)}</span></h3><p class="mono small">{p.syscalls.top.map((c) => `${c.name} ${num(c.count)}`).join(" · ")}</p></>}
  </>;
}

function EventView({ m, name }: { m: Model; name: string }) {
  const e = m.byName.get(name);
  if (!e) return <><h2>Event {name}</h2><p class="empty">This event is in the log of the case, but not in this page. Read it with: <code>belljar events {m.r.case ?? "CASE"}</code></p></>;
  const found = m.ofEvent.get(name) ?? [];
  const step = (d: number) => { const o = m.events[e.at + d]; if (o) openEvent(m, `${o.source}:${o.seq}`); };
  return <>
    <h2>{e.kind}</h2>
    <p class="note">{e.doc}.</p>
    <dl class="kv">
      <div><dt>Time</dt><dd>{time(e.time)} <small class="muted">{absolute(e.time)}</small></dd></div>
      {e.n > 0 && <div><dt>Process</dt><dd><Proc m={m} n={e.n} /></dd></div>}
      {m.fields(e).map((f) => <div><dt>{f.name}</dt><dd class="mono">{f.value === "" ? <span class="muted">empty</span> : <><T s={f.value} keep max={1500} />{f.cut > 0 && <span class="muted"> … {plural(f.cut, "byte")} more in the log</span>}{f.text && f.value.length > 6 && <> <Copy text={() => unbytes(f.value)} /></>}</>}</dd></div>)}
      <div><dt>Recorded by</dt><dd>{e.source}, number {num(e.seq)}{e.tid && e.tid !== e.pid ? `, thread ${e.tid}` : ""}</dd></div>
    </dl>
    {found.length > 0 && <><h3>Evidence of</h3><ul class="flat">{found.map((i) => <li><button class="link quiet" onClick={() => openFinding(i)}><Dot s={m.r.findings[i].severity} /> <T s={m.r.findings[i].title} plain /></button></li>)}</ul></>}
    <p class="bar"><button class="tool" disabled={!e.at} onClick={() => step(-1)}>Earlier</button><button class="tool" disabled={e.at + 1 >= m.events.length} onClick={() => step(1)}>Later</button>
      <button class="tool" onClick={() => go("events")}>In the event list</button></p>
  </>;
}

export function Inspector({ m }: { m: Model }) {
  const sel = useSel();
  const box = useRef<HTMLElement>(null);
  const p = m.procs.get((sel.e && m.byName.get(sel.e)?.n) || sel.p);
  useEffect(() => { if (box.current) box.current.scrollTop = 0; }, [sel.p, sel.e]);
  if (!p && !sel.e) return null;
  return <aside class="inspector" ref={box} aria-label="Selected">
    <button class="close" aria-label="Close" onClick={() => select({ p: 0, e: "" })}>×</button>
    {sel.e ? <EventView m={m} name={sel.e} /> : <ProcessView m={m} p={p!} />}
    {sel.e && p ? <p><button class="link" onClick={() => openProcess(p.n)}>About the process <T s={procName(p)} max={30} /></button></p> : null}
  </aside>;
}
