// SPDX-License-Identifier: GPL-3.0-or-later
// The answer first: verdict, reason, what to do, how far to trust it; then why, the matrix, and the findings.
import { useState } from "preact/hooks";
import { type Finding, type Model, RANK, type Severity, num, plural, size, worst } from "./data";
import { Dot, EventLink, Proc, Section, Shape, Table, WORDS, When } from "./parts";
import { go, openFinding, openProcess, useSel } from "./state";
import { T, flat } from "./text";

const str = (o: Record<string, unknown> | null, ...keys: string[]): string => {
  for (const k of keys) if (o && typeof o[k] === "string" && o[k]) return o[k] as string;
  return "";
};
export const sampleName = (m: Model): string =>
  str(m.r.submission, "name", "target") || m.r.case || "sample";

export function Head({ m }: { m: Model }) {
  const v = m.r.verdict, c = m.r.completeness, s = m.r.submission;
  const high = m.r.findings.filter((f) => f.severity === "high").length;
  const hash = str(s, "sha256") || str(m.r.static, "sha256") || str((m.r.static?.hashes ?? null) as Record<string, unknown>, "sha256");
  const type = str(m.r.static, "title", "description", "type") || str(s, "type");
  const bytes = Number(s?.size ?? m.r.static?.size ?? NaN);
  return <section id="top" class={`head v-${v.word}`} aria-label="Verdict">
    <div class="verdict">
      <Shape word={v.word} />
      <div>
        <h1>{WORDS[v.word]} <span class="score" title="0 to 100; how it is made stands below">score {v.score}<i> of 100</i></span></h1>
        <p class="what"><b><T s={flat(sampleName(m))} max={120} /></b>
          {type && <> · <T s={type} plain max={120} /></>}{Number.isFinite(bytes) && <> · {size(bytes)}</>}
          {hash && <> · <code class="hash" title={hash}>{hash.slice(0, 16)}…</code></>}</p>
      </div>
    </div>
    <p class="reason"><T s={v.reason} plain max={600} /></p>
    {v.unknown_because && v.unknown_because !== v.reason && <p class="because"><T s={v.unknown_because} plain max={600} /></p>}
    {v.allowed && <p class="because">Without the allow-list: {v.allowed.word_without}, score {v.allowed.score_without} of 100. The findings below were seen all the same.</p>}
    <dl class="facts">
      <div><dt>Confidence</dt><dd title={v.confidence_reason}><span class="pips" aria-label={`${v.confidence} of 5`}>{[1, 2, 3, 4, 5].map((i) => <i class={i <= v.confidence ? "on" : ""} />)}</span> {v.confidence} of 5{v.confidence_reason && <small> <T s={v.confidence_reason} plain /></small>}</dd></div>
      <div><dt>Family</dt><dd>{v.threat_name ? <T s={v.threat_name} plain max={96} /> : "none recognised"}{v.threat_finding !== null && <> <button class="link" onClick={() => openFinding(v.threat_finding!)}>why</button></>}</dd></div>
      <div><dt>Findings</dt><dd><button class="link" onClick={() => go("findings")}>{plural(m.r.findings.length, "finding")}</button>{high > 0 && <>, {num(high)} high</>}</dd></div>
    </dl>
    {v.advice.length > 0 && <div class="advice"><h3>What to do next</h3><ol>{v.advice.map((a) => <li><T s={a.text} plain max={600} />{a.finding !== null
      ? <> <button class="link" onClick={() => openFinding(a.finding!)}>finding</button></>
      : a.evidence.filter((e) => m.byName.has(`${e.source}:${e.seq}`)).map((e) => <> <EventLink m={m} name={`${e.source}:${e.seq}`}>event</EventLink></>)}</li>)}</ol></div>}
    <p class="complete"><b>How complete:</b> {c.sentence}.{" "}{c.ended_text && c.ended !== "time" && <><T s={c.ended_text.charAt(0).toUpperCase() + c.ended_text.slice(1)} plain />{/[.!?]$/.test(c.ended_text) ? "" : "."} </>}
      {c.machine && <>Ran in a virtual machine {c.machine === "kvm" ? "on the processor itself (KVM)" : "with an emulated processor (TCG)"}. </>}
      {c.network_simulated && <>The internet was simulated.</>}
      {c.problems.length + c.not_proved.length > 0 && <> <button class="link" onClick={() => go("notes")}>What was not proved</button></>}</p>
  </section>;
}

export function Why({ m }: { m: Model }) {
  const v = m.r.verdict;
  const [all, setAll] = useState(false);
  const parts = [...v.why].sort((a, b) => b.points - a.points);
  const shown = all ? parts : parts.slice(0, 8);
  const most = Math.max(1, ...parts.map((p) => p.points));
  const classes = Object.entries(v.classes).filter(([, n]) => n > 0).sort((a, b) => b[1] - a[1]);
  const empty = v.word === "unknown" ? "No points were given, because too little was seen to judge." : "Nothing that it did earned a point.";
  return <Section id="why" title="Why this score">
    {parts.length === 0 ? <p class="empty">{empty}</p> : <div class="cols">
      <ol class="why">{shown.map((p) => {
        const f = m.r.findings[p.finding];
        return <li data-row tabIndex={-1} onClick={() => openFinding(p.finding)}>
          <span class="points">{p.points ? `+${p.points}` : "0"}</span>
          <span class="meter"><i class={`b-${f?.severity ?? "info"}`} style={`width:${(p.points / most) * 100}%`} /></span>
          <span class="t"><button class="link quiet" onClick={() => openFinding(p.finding)}><T s={f?.title ?? "finding"} plain max={200} /></button>{p.note && <small> {p.note}</small>}{p.same_as !== null && <small>: <button class="link quiet" onClick={(e) => { e.stopPropagation(); openFinding(p.same_as!); }}><T s={m.r.findings[p.same_as]?.title ?? ""} plain max={90} /></button></small>}</span>
        </li>;
      })}
      {parts.length > 8 && <li class="rest"><button class="tool" onClick={() => setAll(!all)}>{all ? "Show fewer" : `Show ${parts.length - 8} more`}</button></li>}
      </ol>
      {classes.length > 0 && <div class="classes"><h3>Looks like</h3>{classes.map(([name, n]) =>
        <div class="class"><span>{name}</span><span class="meter"><i style={`width:${n * 10}%`} /></span><span class="muted">{n}/10</span></div>)}</div>}
    </div>}
  </Section>;
}

export function Attack({ m }: { m: Model }) {
  const sel = useSel();
  const hit = new Set(m.r.attack.tactics.flatMap((t) => t.techniques.map((x) => x.id))).size;
  const sev = (l: number[]) => worst(l.map((i) => m.r.findings[i]?.severity ?? "info"));
  return <Section id="attack" title="ATT&CK matrix" count={hit}
    note={<>MITRE ATT&amp;CK{m.r.attack.domain === "mobile" ? " Mobile" : ""} version {m.r.attack.version}. {hit ? "A cell opens the finding behind it." : "No finding maps to a technique."}</>}>
    <div class="matrix" role="list">{m.r.attack.tactics.map((t) => <div class={t.techniques.length ? "tactic hit" : "tactic"} role="listitem">
      <h3 title={t.id}>{t.name}</h3>
      {t.techniques.map((x) => <button data-row class={`tech s-${sev(x.findings)} ${x.findings.includes(sel.f) ? "on" : ""}`}
        title={x.findings.map((i) => m.r.findings[i]?.title).join("\n")} onClick={() => openFinding(x.findings[0])}>
        <Dot s={sev(x.findings)} /><span><b>{x.id}</b> {x.parent && x.parent !== x.name ? `${x.parent}: ` : ""}{x.name}</span></button>)}
      {!t.techniques.length && <span class="muted none">–</span>}
    </div>)}</div>
  </Section>;
}

const CATEGORY = (c: string) => c.replace(/_/g, " ").replace(/^./, (x) => x.toUpperCase());

export function FindingBody({ m, f }: { m: Model; f: Finding }) {
  const [all, setAll] = useState(false);
  const shown = all ? f.evidence : f.evidence.slice(0, 5);
  return <div class="body">
    <p class="meta"><Dot s={f.severity} /> {f.severity} severity · {plural(f.points, "point")} before caps · seen {f.count === 1 ? "once" : `${num(f.count)} times`} · <code>{f.rule}</code></p>
    {f.attack.length > 0 && <p class="meta">{f.attack.map((a) => <span class="tag">{a.id}{a.name ? ` ${a.name}` : ""}</span>)}</p>}
    {f.threat && <p class="meta">Known as <b><T s={f.threat} plain max={96} /></b></p>}
    {f.also_seen_by.length > 0 && <p class="meta">Also seen by {f.also_seen_by.map((i, k) => <>{k ? ", " : ""}<button class="link" onClick={() => openFinding(i)}><code>{m.r.findings[i]?.rule}</code></button></>)}</p>}
    <ul class="evidence">{shown.map((v) => {
      const name = `${v.source}:${v.seq}`, e = m.byName.get(name);
      return <li><When s={v.time} /> {v.process ? <Proc m={m} n={v.process} /> : null} {e
        ? <EventLink m={m} name={name}>{e.kind}</EventLink> : <span class="muted">event {name} (only in the log)</span>}{" "}
        {e && <span class="mono"><T s={brief(m, name)} max={160} /></span>}</li>;
    })}</ul>
    {f.evidence.length > 5 && <button class="tool" onClick={() => setAll(!all)}>{all ? "Show fewer" : `Show all ${f.evidence.length} events`}</button>}
    {f.artefacts.length > 0 && <ul class="flat">{f.artefacts.map((a) => <li><span class="muted">{KIND[a.kind] ?? a.kind}</span>{" "}
      <span class="mono"><T s={a.name} max={120} /></span>{a.string ? <span class="mono muted"> <T s={a.string} /> at 0x{a.offset.toString(16)}</span> : null}</li>)}</ul>}
    {f.evidence.length > 0 && f.count > f.evidence.length && <p class="note">{num(f.count - f.evidence.length)} further events show the same.</p>}
  </div>;
}

export function brief(m: Model, name: string): string {
  const e = m.byName.get(name);
  if (!e) return "";
  const parts = m.fields(e).filter((x) => x.value !== "" && x.value !== "no" && !["CurrentDirectory", "Environment", "ParentProcessId", "Uid", "EUid", "Gid", "CloneFlags"].includes(x.name));
  if (e.kind === "process.exec") return parts.find((x) => x.name === "CommandLine")?.value ?? "";
  return parts.map((x) => (x.text && parts.filter((y) => y.text).length === 1 ? x.value : x.text ? x.value : `${x.name} ${x.value}`)).join(" · ");
}

export const KIND: Record<string, string> = { sample: "sample", dropped: "dropped file", memory: "memory", traffic: "traffic" };

export function Findings({ m }: { m: Model }) {
  const sel = useSel();
  const groups = new Map<string, number[]>();
  m.r.findings.forEach((f, i) => groups.set(f.category, [...(groups.get(f.category) ?? []), i]));
  const top = (l: number[]) => Math.max(...l.map((i) => RANK[m.r.findings[i].severity] * 1000 + m.r.findings[i].points));
  const ordered = [...groups].sort((a, b) => top(b[1]) - top(a[1]));
  const counted = new Map(m.r.verdict.why.map((p) => [p.finding, p.points]));
  const got = (i: number) => counted.get(i) ?? m.r.findings[i].points;
  const empty = m.r.completeness.started ? "No rule matched what was seen." : "Nothing ran, so there was nothing that a rule could match.";
  return <Section id="findings" title="Findings" count={m.r.findings.length}>
    {!ordered.length && <p class="empty">{empty}</p>}
    {ordered.map(([category, list]) => <div class="group">
      <h3>{CATEGORY(category)} <span class="count">{list.length}</span></h3>
      {list.sort((a, b) => RANK[m.r.findings[b].severity] - RANK[m.r.findings[a].severity] || m.r.findings[b].points - m.r.findings[a].points).map((i) => {
        const f = m.r.findings[i], on = sel.f === i;
        return <details class={on ? "finding on" : "finding"} id={`finding-${i}`} open={on} key={i}>
          <summary data-row onClick={(e) => { e.preventDefault(); if (on) openProcess(0); openFinding(on ? -1 : i); }}>
            <Dot s={f.severity} /><span class="title"><T s={f.title} plain max={300} /></span>
            {f.count > 1 && <span class="muted">×{num(f.count)}</span>}<span class="pts" title={got(i) >= f.points ? undefined : "what counted, of what the rule gives; see Why this score"}>{!f.points ? "" : got(i) >= f.points ? `+${got(i)}` : `${got(i) ? "+" : ""}${got(i)} of ${f.points}`}</span>
          </summary>
          {on && <FindingBody m={m} f={f} />}
        </details>;
      })}
    </div>)}
  </Section>;
}

export function Captures({ m, system }: { m: Model; system: boolean }) {
  return <Table rows={m.r.captures.filter((c) => system || !c.system)} label="captured files" empty="No file was captured." columns={[
    { name: "Time", cell: (c) => <When s={c.time} />, text: (c) => c.time },
    { name: "Path", cell: (c) => <T s={c.path} />, text: (c) => c.path, cls: "mono" },
    { name: "Size", cell: (c) => <>{size(c.size)}{c.truncated ? " (first part only)" : ""}</>, text: (c) => c.size, cls: "r" },
    { name: "Why", cell: (c) => c.reason, text: (c) => c.reason },
    { name: "SHA-256", cell: (c) => <code class="hash">{c.sha256}</code>, text: (c) => c.sha256 },
  ]} />;
}
export const severityOf = (m: Model, n: number): Severity | null => worst((m.ofProc.get(n) ?? []).map((i) => m.r.findings[i].severity));
