// SPDX-License-Identifier: GPL-3.0-or-later
// The model as src/report writes it (docs/reference/report.schema.json), and indexes over it.

export type Severity = "info" | "low" | "medium" | "high";
export type Word = "unknown" | "clean" | "suspicious" | "malicious";
export interface Evidence { source: string; seq: number; time: number; process: number }
export interface ArtefactPlace { kind: string; name: string; sha256: string | null; string: string | null; offset: number }
export interface YaraHit {
  id: string; severity: Severity; points: number; category: string; description: string; author: string; reference: string; licence: string; malware: string;
  namespace: string; rule: string; part: string | null; tags: string[]; meta: Record<string, string | number | boolean>;
  strings: { id: string; offset: number; length: number; data: string; xor_key: number }[]; strings_more: number;
}
export interface Artefact { kind: string; name: string; sha256: string | null; size: number; scanned: boolean; reason: string | null; hits: YaraHit[]; hits_more: number; notes: string[] }
export interface Yara {
  engine: string; rules: number; error: string | null; problems: { file: string; line: number; warning: boolean; text: string }[]; problems_more: number;
  artefacts: Artefact[]; artefacts_more: number;
}
export interface Finding {
  rule: string; title: string; category: string; effect: string; severity: Severity; points: number;
  attack: { id: string; name: string | null }[]; classes: Record<string, number>; count: number; evidence: Evidence[]; artefacts: ArtefactPlace[];
  threat: string | null; also_seen_by: number[];
}
export interface Advice { text: string; finding: number | null; evidence: Evidence[] }
export interface Indicator { kind: "url" | "ip" | "domain" | "email"; value: string; origins: string[]; process: number }
export interface Badge { effect: string; severity: Severity; findings: number[] }
export interface Process {
  n: number; pid: number; parent: number; image: string | null; cmdline: string | null; cwd: string | null;
  script: string | null; environment: string | null; user: string; uid: number; euid: number;
  lineage: "system" | "sample" | "adopted"; adopted_because: string | null; anonymous: boolean; execed: boolean;
  existing: boolean; start: number; exit: { time: number; code: number; signal: number } | null; threads: number; events: number;
  badges: Badge[]; counts: Record<string, number>;
  syscalls: { total: number; top: { name: string; i386: boolean; count: number }[] };
}
export interface FileRow {
  path: string; operations: string[]; processes: number[]; processes_more: number; first: number; last: number;
  events: number; size: number | null; written: number; mode: number | null; sha256: string | null;
  capture_reason: string | null; truncated: boolean; executed: boolean; system: boolean; other: string | null;
}
export interface Conversation {
  time: number; duration: number; process: number; protocol: string | null; source_ip: string | null;
  source_port: number; ip: string | null; port: number; host: string | null; application: string | null;
  sent: number | null; received: number | null; first_bytes: string | null; accepted: boolean;
  seen_in_guest: boolean; seen_on_wire: boolean;
}
export interface Dns { time: number; process: number; name: string | null; type: string | null; results: string | null; count: number }
export interface Http {
  time: number; seq: number; process: number; method: string | null; host: string | null; url: string | null;
  user_agent: string | null; headers: string | null; body_size: number; body: string | null; status: number;
  content_type: string | null; ip: string | null; port: number;
}
export interface MemoryRow {
  kind: string; time: number; source: string; seq: number; process: number; address: string | null; length: number;
  protection: string | null; detail: string | null; access: string | null; target_pid: number; target: number;
  sha256: string | null; reason: string | null; truncated: boolean;
}
export interface Report {
  schema: string; product: string; version: string; case: string | null;
  submission: Record<string, unknown> | null;
  verdict: {
    word: Word; score: number; confidence: number; confidence_reason: string; reason: string; unknown_because: string | null;
    why: { finding: number; points: number; note: string | null; same_as: number | null }[]; advice: Advice[]; classes: Record<string, number>;
    threat_name: string | null; threat_finding: number | null;
    allowed: { by: string; word_without: Word; score_without: number } | null;
  };
  completeness: {
    sentence: string; events_recorded: number; events_idle: number; events: number; clock_error: number | null; lost: number; gaps: number; torn: boolean; ran: number; planned: number;
    sources: { source: string; events: number; lost: number; gaps: number }[]; log_complete: boolean; bad_blocks: number;
    unknown_kinds: number; started: boolean; not_started_because: string | null; crashed: boolean; machine: string | null; ended: string | null; ended_text: string | null;
    network_simulated: boolean; not_proved: string[]; problems: string[]; texts_cut: number; texts_lost: number;
    processes: number; processes_ended: number; channel_intact: boolean; machine_alive: boolean;
  };
  static: Record<string, unknown> | null; run: Record<string, unknown> | null; yara: Yara | null;
  findings: Finding[];
  attack: { domain: "enterprise" | "mobile"; version: string; tactics: { id: string; shortname: string; name: string;
    techniques: { id: string; name: string; parent: string | null; findings: number[] }[] }[] };
  processes: Process[]; processes_more: number; roots: number[];
  files: FileRow[]; files_more: number;
  network: {
    conversations: Conversation[]; conversations_more: number; dns: Dns[]; dns_more: number; http: Http[]; http_more: number;
    listens: { time: number; process: number; protocol: string | null; ip: string | null; port: number }[]; listens_more: number;
    scans: { time: number; process: number; hosts: number; ports: number; example: string | null }[]; scans_more: number;
  };
  memory: MemoryRow[]; memory_more: number;
  stats: {
    system: { time: number; cpu_permille: number; used_kib: number; total_kib: number; processes: number; disk_free_kib: number }[];
    processes: { process: number; samples: { time: number; cpu_ms: number; rss_kib: number; threads: number }[] }[];
    processes_more: number; kinds: Record<string, number>;
  };
  timeline: { step: number; last: number; process: number[]; file: number[]; network: number[]; memory: number[]; system: number[] };
  captures: { time: number; path: string; sha256: string; size: number; reason: string; truncated: boolean; system: boolean; process: number }[];
  captures_more: number;
  indicators: Indicator[]; indicators_more: number;
  notes: { time: number; source: string; seq: number; code: string; text: string; bytes: number }[]; notes_more: number;
}

interface Kind { name: string; doc: string; fields: [string, string][] }
type Cell = number | string | [number, number];
export interface RawEvents { total: number; kinds: Record<string, Kind>; strings: string[]; rows: Cell[][] }

export interface Ev {
  at: number; kind: string; doc: string; source: string; seq: number; time: number; n: number; pid: number; tid: number; row: Cell[];
}
export interface Field { name: string; value: string; text: boolean; cut: number }

const SOURCES = ["?", "tracer", "agent", "net", "host"];

export class Model {
  events: Ev[];
  byName = new Map<string, Ev>();
  procs = new Map<number, Process>();
  children = new Map<number, Process[]>();
  ofProc = new Map<number, number[]>(); // finding indices
  ofEvent = new Map<string, number[]>();
  private texts: (string | undefined)[] = [];

  constructor(public r: Report, public raw: RawEvents) {
    this.events = raw.rows.map((row, at) => {
      const k = raw.kinds[row[0] as number];
      return { at, kind: k ? k.name : `kind ${row[0]}`, doc: k ? k.doc : "", source: SOURCES[row[1] as number] || "?", seq: row[2] as number,
        time: (row[3] as number) / 1e6, n: row[4] as number, pid: row[5] as number, tid: row[6] as number, row };
    });
    /* the log is in the order of arrival; people think in time */
    this.events.sort((a, b) => a.time - b.time || a.at - b.at).forEach((e, i) => { e.at = i; });
    for (const e of this.events) this.byName.set(`${e.source}:${e.seq}`, e);
    for (const p of r.processes) this.procs.set(p.n, p);
    for (const p of r.processes) {
      if (!this.procs.has(p.parent)) continue;
      const l = this.children.get(p.parent);
      if (l) l.push(p); else this.children.set(p.parent, [p]);
    }
    r.findings.forEach((f, i) => {
      const seen = new Set<number>();
      for (const v of f.evidence) {
        push(this.ofEvent, `${v.source}:${v.seq}`, i);
        if (v.process && !seen.has(v.process)) { seen.add(v.process); push(this.ofProc, v.process, i); }
      }
    });
  }

  fields(e: Ev): Field[] {
    const k = this.raw.kinds[e.row[0] as number];
    if (!k) return [];
    return k.fields.slice(0, e.row.length - 7).map(([name, type], i) => {
      const c = e.row[7 + i];
      if (type === "str" || type === "text") {
        const [at, cut] = Array.isArray(c) ? c : [c as number, 0];
        return { name, value: at < 0 ? "" : this.raw.strings[at] ?? "", text: true, cut };
      }
      let value = String(c);
      if (type === "bool") value = c ? "yes" : "no";
      else if (type === "ns") value = `${((c as number) / 1e9).toFixed(3)} s`;
      else if (name === "Mode") value = "0" + (parseInt(c as string, 16) & 0o7777).toString(8);
      return { name, value, text: false, cut: 0 };
    });
  }

  /* What a search looks through; lower case, made once per event. */
  text(e: Ev): string {
    let t = this.texts[e.at];
    if (t === undefined) {
      const p = this.procs.get(e.n);
      t = `${e.kind} ${p ? base(p.image) : ""} ${this.fields(e).map((f) => f.value).join(" ")}`.toLowerCase();
      this.texts[e.at] = t;
    }
    return t;
  }

  name(n: number): string {
    const p = this.procs.get(n);
    return p ? procName(p) : "";
  }
}

function push<K>(m: Map<K, number[]>, k: K, v: number) {
  const l = m.get(k);
  if (l) { if (l[l.length - 1] !== v) l.push(v); } else m.set(k, [v]);
}

export const base = (path: string | null | undefined): string => {
  if (!path) return "";
  const at = path.replace(/\/+$/, "").lastIndexOf("/");
  return at < 0 ? path : path.slice(at + 1);
};
export const procName = (p: Process): string => base(p.script || p.image) || `pid ${p.pid}`;
export const RANK: Record<Severity, number> = { info: 0, low: 1, medium: 2, high: 3 };
export const worst = (l: Severity[]): Severity | null => l.reduce<Severity | null>((a, b) => (a === null || RANK[b] > RANK[a] ? b : a), null);

/* ---- how things are written ---- */
export const num = (n: number): string => n.toLocaleString("en-US");
export const time = (s: number): string => `${s < 0 ? "\u2212" : "+"}${Math.abs(s).toFixed(Math.abs(s) < 10 ? 2 : 1)} s`;
export const size = (n: number | null): string => {
  if (n === null) return "";
  if (n < 1024) return `${n} B`;
  const units = ["KiB", "MiB", "GiB", "TiB"];
  let u = -1;
  do { n /= 1024; u++; } while (n >= 1024 && u < 3);
  return `${n < 10 ? n.toFixed(1) : Math.round(n)} ${units[u]}`;
};
export const plural = (n: number, one: string, many = one + "s"): string => `${num(n)} ${n === 1 ? one : many}`;
/* hxxp://, [.] : so that nobody clicks by mistake */
export const defang = (s: string): string =>
  s.replace(/\bhttp(s?):\/\//gi, "hxxp$1://").replace(/\bftp:\/\//gi, "fxp://")
    .replace(/((?:[\w-]+|\d{1,3}))\.(?=[\w-]+(?:[\s:/;,]|$|\.))/g, (m, a, at: number, whole: string) =>
      /^[/~]/.test(whole) && at > 0 && !/:\/\//.test(whole) ? m : `${a}[.]`);

export async function load(): Promise<Model> {
  const text = document.getElementById("data")!.textContent!;
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const { report, events } = JSON.parse(await new Response(stream).text());
  return new Model(report, events);
}
