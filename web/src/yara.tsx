// SPDX-License-Identifier: GPL-3.0-or-later
// Which YARA rule matched which file, memory or traffic, and where.
import { type Artefact, type Model, type YaraHit, num, plural, size, worst } from "./data";
import { KIND } from "./head";
import { Dot, Section } from "./parts";
import { openFinding } from "./state";
import { T, flat } from "./text";

/* What was taken out of the guest is stored under its hash; people know the path, or the process and address. */
function nameOf(m: Model, a: Artefact): string {
  if (a.kind === "traffic") return "all of it (traffic.pcap)";
  if (a.kind === "dropped") return m.r.captures.find((c) => c.sha256 === a.sha256)?.path ?? `file ${a.name.slice(0, 12)}`;
  if (a.kind !== "memory") return a.name;
  const row = m.r.memory.find((x) => x.sha256 === a.sha256);
  return row ? `${m.name(row.process)} at ${row.address ?? "?"}` : a.name.slice(0, 12);
}
const url = (s: string) => /^https?:\/\/[^\s"'<>]+$/.test(s);

function Hit({ m, h }: { m: Model; h: YaraHit }) {
  const at = m.r.findings.findIndex((f) => f.rule === h.id);
  const facts: [string, string][] = [["Threat", h.malware], ["Author", h.author], ["Reference", h.reference], ["Licence", h.licence]];
  return <details class="exchange" open><summary data-row><Dot s={h.severity} /><b class="mono"><T s={h.rule} /></b>
    <span class="grow"><T s={h.description || "no description"} plain max={300} /></span><span class="muted mono"><T s={h.namespace} max={60} /></span></summary>
    {h.part && <p class="note">in <span class="mono"><T s={h.part} max={120} /></span></p>}
    <dl class="facts">{facts.filter(([, v]) => v).map(([k, v]) => <div><dt>{k}</dt><dd>{url(v) ? <span class="mono"><T s={v} max={200} /></span> : <T s={v} plain max={200} />}</dd></div>)}
      {h.tags.length > 0 && <div><dt>Tags</dt><dd>{h.tags.map((t) => <span class="tag"><T s={t} max={40} /></span>)}</dd></div>}</dl>
    {h.strings.length > 0 && <table class="plain"><thead><tr><th>Offset</th><th>String</th><th class="r">Length</th><th>Bytes</th></tr></thead>
      <tbody>{h.strings.map((x) => <tr><td class="mono">0x{x.offset.toString(16).padStart(8, "0")}</td><td class="mono"><T s={x.id} max={60} />{x.xor_key ? <span class="muted"> xor 0x{x.xor_key.toString(16)}</span> : null}</td>
        <td class="r">{num(x.length)}</td><td class="mono"><T s={x.data} max={200} /></td></tr>)}</tbody></table>}
    {h.strings_more > 0 && <p class="note">and {plural(h.strings_more, "place", "places")} more</p>}
    {at >= 0 && <p class="note"><button class="link" onClick={() => openFinding(at)}>Open the finding</button></p>}
  </details>;
}

export const yaraHits = (m: Model) => new Set((m.r.yara?.artefacts ?? []).flatMap((a) => a.hits.map((h) => h.id))).size;
export const yaraWorst = (m: Model) => worst((m.r.yara?.artefacts ?? []).flatMap((a) => a.hits.map((h) => h.severity)));

export function Yara({ m }: { m: Model }) {
  const y = m.r.yara;
  const all = y?.artefacts ?? [], hit = all.filter((a) => a.hits.length || a.notes.length), left = all.filter((a) => !a.scanned);
  const bad = y?.problems.filter((p) => !p.warning) ?? [];
  const done = all.filter((a) => a.scanned).length;
  return <Section id="yara" title="YARA" count={yaraHits(m)}
    note={y && !y.error ? <>{plural(done, "artefact")} scanned with {plural(y.rules, "rule")} ({y.engine}){left.length + y.artefacts_more > 0 ? `, ${num(left.length + y.artefacts_more)} not scanned` : ""}</> : undefined}>
    {!y && <p class="empty">This case was made without YARA; <code>belljar report {flat(m.r.case ?? "CASE")} --again</code> scans it.</p>}
    {y?.error && <p class="empty">Nothing was scanned: <T s={y.error} plain /></p>}
    {y && !y.error && !hit.length && <p class="empty">No rule matches the sample, dropped files, memory or traffic.</p>}
    {hit.map((a) => <div class="group"><h3>{KIND[a.kind] ?? a.kind} <span class="mono"><T s={nameOf(m, a)} max={160} /></span> <span class="count">{size(a.size)}</span></h3>
      {a.hits.map((h) => <Hit m={m} h={h} />)}
      {a.hits_more > 0 && <p class="note">{plural(a.hits_more, "rule")} more match; they were not kept.</p>}
      {a.notes.map((n) => <p class="note"><T s={n} plain /></p>)}</div>)}
    {left.length > 0 && <details class="fold" open={left.length < 6}><summary>Not scanned: {plural(left.length, "artefact")}</summary>
      <ul class="flat">{left.map((a) => <li>{KIND[a.kind] ?? a.kind} <span class="mono"><T s={nameOf(m, a)} max={120} /></span>: <T s={a.reason ?? "no reason known"} plain /></li>)}</ul></details>}
    {bad.length > 0 && <details class="fold"><summary>Rule files left out: {num(bad.length + (y?.problems_more ?? 0))}</summary>
      <ul class="flat">{bad.map((p) => <li><span class="mono"><T s={p.file} max={120} />{p.line ? `:${p.line}` : ""}</span> <T s={p.text} plain /></li>)}</ul></details>}
  </Section>;
}
