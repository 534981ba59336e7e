/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/yara/json.h"

#include <stdio.h>

static void metas_json(struct jsonw *w, const struct yara_hit *h)
{
    jsonw_kobject(w, "meta");
    for (uint32_t i = 0; i < h->nmetas; i++) {
        const struct yara_meta *m = &h->metas[i];
        bool again = false; /* YARA allows a name twice, JSON does not: the first counts */
        for (uint32_t k = 0; k < i && !again; k++)
            again = str_eq(h->metas[k].name, m->name);
        if (again)
            continue;
        jsonw_key_str(w, m->name);
        if (m->kind == YARA_META_INTEGER)
            jsonw_i64(w, m->number);
        else if (m->kind == YARA_META_BOOLEAN)
            jsonw_bool(w, m->number != 0);
        else
            jsonw_bytes(w, m->text);
    }
    jsonw_object_end(w);
}

void yara_hit_json(struct jsonw *w, const struct yara_hit *h)
{
    jsonw_kbytes(w, "namespace", h->ns);
    jsonw_kbytes(w, "rule", h->rule);
    jsonw_key(w, "part");
    if (h->part.n)
        jsonw_bytes(w, h->part);
    else
        jsonw_null(w);
    jsonw_karray(w, "tags");
    for (uint32_t i = 0; i < h->ntags; i++)
        jsonw_bytes(w, h->tags[i]);
    jsonw_array_end(w);
    metas_json(w, h);
    jsonw_karray(w, "strings");
    for (uint32_t i = 0; i < h->nmatches; i++) {
        const struct yara_match *m = &h->matches[i];
        jsonw_object(w);
        jsonw_kbytes(w, "id", m->string);
        jsonw_ku64(w, "offset", m->offset);
        jsonw_ku64(w, "length", m->length);
        jsonw_kbytes(w, "data", m->bytes);
        jsonw_ku64(w, "xor_key", m->xor_key);
        jsonw_object_end(w);
    }
    jsonw_array_end(w);
    jsonw_ku64(w, "strings_more", h->more_matches);
}

void yara_note_text(const struct yara_note *n, char *ret, size_t size)
{
    snprintf(ret, size,
             n->kind == YARA_NOTE_TOO_MANY
                 ? "the string %.*s of %.*s/%.*s matched too often: its places were not all counted"
                 : "the string %.*s of %.*s/%.*s makes the scan slow",
             STR_ARG(n->string), STR_ARG(n->ns), STR_ARG(n->rule));
}
