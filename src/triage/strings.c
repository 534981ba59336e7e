/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "triage/strings.h"

#include <errno.h>

static bool printable(unsigned char c)
{
    return c == '\t' || (c >= 0x20 && c < 0x7f);
}

/* ---- indicators ------------------------------------------------------------------------- */

static void keep(void *context, enum indicator_kind kind, struct str s)
{
    struct intern *t = ((struct strings *)context)->found[kind];

    if (intern_count(t) < INDICATORS_MAX || intern_find(t, s))
        intern_add(t, s);
}

static void take(struct strings *s, struct str text, uint64_t offset, bool wide)
{
    bool fresh;
    struct str cut = str_sub(text, 0, STRING_LENGTH_MAX);

    s->total++;
    indicators_find(text, keep, s);
    if (s->kept == STRINGS_MAX)
        return;
    if (intern_add_new(s->seen, cut, &fresh) && fresh) {
        s->offsets[s->kept] = offset;
        s->wide[s->kept++] = wide;
    }
}

/* ---- scanning --------------------------------------------------------------------------- */

static void scan_narrow(const struct reader *in, struct strings *s)
{
    struct reader r = *in;
    struct str all = reader_str(&r, reader_left(&r));
    size_t begin = 0;

    for (size_t i = 0; i <= all.n; i++) {
        if (i < all.n && printable((unsigned char)all.p[i]))
            continue;
        if (i - begin >= STRINGS_MIN)
            take(s, str_sub(all, begin, i - begin), begin, false);
        begin = i + 1;
    }
}

static void scan_wide(const struct reader *in, struct strings *s)
{
    struct reader r = *in;
    struct str all = reader_str(&r, reader_left(&r));
    char text[STRING_LENGTH_MAX];
    size_t n = 0;

    for (size_t i = 0; i + 1 < all.n;) {
        if (all.p[i + 1] == '\0' && printable((unsigned char)all.p[i]) && n < sizeof(text)) {
            text[n++] = all.p[i];
            i += 2;
            continue;
        }
        if (n >= STRINGS_MIN)
            take(s, (struct str){text, n}, i - 2 * n, true);
        i += n ? 0 : 1;
        n = 0;
    }
    if (n >= STRINGS_MIN)
        take(s, (struct str){text, n}, all.n - 2 * n, true);
}

int strings_collect(const struct reader *in, struct strings *ret)
{
    memset(ret, 0, sizeof(*ret));
    int r = intern_new(16u << 20, &ret->seen);
    for (int i = 0; r == 0 && i < INDICATOR_KINDS; i++)
        r = intern_new(16u << 20, &ret->found[i]);
    if (r < 0) {
        strings_free(ret);
        return -ENOMEM;
    }
    scan_narrow(in, ret);
    scan_wide(in, ret);
    return 0;
}

void strings_free(struct strings *s)
{
    intern_free(&s->seen);
    for (int i = 0; i < INDICATOR_KINDS; i++)
        intern_free(&s->found[i]);
}

void strings_json(struct jsonw *w, const struct strings *s)
{
    jsonw_object(w);
    jsonw_ku64(w, "total", s->total);
    jsonw_ku64(w, "kept", s->kept);
    jsonw_karray(w, "items");
    for (uint32_t i = 0; i < s->kept; i++) {
        jsonw_object(w);
        jsonw_ku64(w, "offset", s->offsets[i]);
        jsonw_kbool(w, "wide", s->wide[i]);
        jsonw_kstr(w, "text", intern_get(s->seen, i + 1));
        jsonw_object_end(w);
    }
    jsonw_array_end(w);
    jsonw_object_end(w);
}

static void list(struct jsonw *w, const char *key, const struct intern *t)
{
    jsonw_karray(w, key);
    for (uint32_t i = 1; i <= intern_count(t); i++)
        jsonw_str(w, intern_get(t, i));
    jsonw_array_end(w);
}

void indicators_json(struct jsonw *w, const struct strings *s)
{
    static const char *const names[INDICATOR_KINDS] = {"urls", "ips", "domains", "emails", "paths"};

    jsonw_object(w);
    for (int i = 0; i < INDICATOR_KINDS; i++)
        list(w, names[i], s->found[i]);
    jsonw_object_end(w);
}
