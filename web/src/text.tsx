// SPDX-License-Identifier: GPL-3.0-or-later
// Everything that came out of a sample is shown through these: as text, with invisible characters made visible.
import type { ComponentChildren, VNode } from "preact";
import { useState } from "preact/hooks";

const ODD = /[\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u2028-\u202f\u205f-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e0fff}]/u;
const PIECES = new RegExp(`(\\\\\\\\|\\\\x[0-9a-f]{2}|${ODD.source})`, "iu");
const PLAIN = new RegExp(`(${ODD.source})`, "u");
const ESC: Record<string, string> = { "\n": "\\n", "\t": "\\t", "\r": "\\r", "\u001b": "\\e" };

const mark = (label: string, title: string, key: number): VNode => <span class="mark" title={title} key={key}>{label}</span>;
const code = (c: string): string => "U+" + c.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0");

function pieces(s: string, bytes: boolean, keep: boolean): ComponentChildren[] {
  const out: ComponentChildren[] = [];
  s.split(bytes ? PIECES : PLAIN).forEach((part, i) => {
    if (!part) return;
    if (i % 2 === 0) out.push(...breaks(part));
    else if (part === "\\\\") out.push("\\");
    else if (part.length === 4 && part[0] === "\\") out.push(mark(part, "a byte that is not valid UTF-8", i));
    else if (keep && part === "\n") out.push("\n");
    else if (keep && part === "\t") out.push("\t");
    else if (keep && part === "\r") return;
    else out.push(mark(ESC[part] ?? code(part), `the character ${code(part)}, which would not be visible`, i));
  });
  return out;
}
/* Paths may wrap at their separators. */
function breaks(s: string): ComponentChildren[] {
  if (s.length < 20 || !s.includes("/")) return [s];
  return s.split(/(?<=\/)(?=[^/])/).flatMap((p, i) => (i ? [<wbr />, p] : [p]));
}

/* keep: line breaks stay line breaks (blocks of text). max: the rest opens on a click. plain: not in bytes form. */
export function T({ s, keep = false, max = 400, plain = false }: { s: string | null | undefined; keep?: boolean; max?: number; plain?: boolean }) {
  const [open, setOpen] = useState(false);
  if (!s) return null;
  const cut = !open && s.length > max * 1.2;
  return <bdi dir="ltr">
    {pieces(cut ? s.slice(0, max) : s, !plain, keep)}
    {cut && <button class="more" onClick={(e) => { e.stopPropagation(); setOpen(true); }}>… {(s.length - max).toLocaleString("en-US")} more</button>}
  </bdi>;
}

/* For copying and searching: the doubled backslash of the bytes form goes. */
export const unbytes = (s: string): string => s.replace(/\\\\/g, "\\");
/* One line of text for attributes (title, aria-label): invisible characters as U+XXXX. */
export const flat = (s: string): string => s.replace(new RegExp(ODD.source, "gu"), (c) => ESC[c] ?? code(c));

export async function copy(s: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(s);
    return true;
  } catch {
    const a = document.createElement("textarea");
    a.value = s;
    document.body.append(a);
    a.select();
    const ok = document.execCommand("copy");
    a.remove();
    return ok;
  }
}
