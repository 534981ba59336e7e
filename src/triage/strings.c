/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "triage/strings.h"

#include <errno.h>

static bool printable(unsigned char c)
{
    return c == '\t' || (c >= 0x20 && c < 0x7f);
}

static bool word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_';
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

/* ---- indicators ------------------------------------------------------------------------- */

static void keep(struct intern *t, struct str s)
{
    if (intern_count(t) < INDICATORS_MAX || intern_find(t, s))
        intern_add(t, s);
}

static void find_urls(struct strings *s, struct str text)
{
    static const char *const schemes[] = {"http://",        "https://",       "ftp://", "tftp://",
                                          "stratum+tcp://", "stratum+ssl://", "ssh://", "ws://",
                                          "wss://",         "tcp://",         "udp://", "socks5://"};

    for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
        size_t from = 0;
        ptrdiff_t at;
        while ((at = str_ifind(str_sub(text, from, text.n), str_from(schemes[i]))) >= 0) {
            size_t begin = from + (size_t)at, end = begin;
            while (end < text.n && (unsigned char)text.p[end] > 0x20 && !strchr("\"'<>`|\\^{}", text.p[end]))
                end++;
            while (end > begin && strchr(".,;)]", text.p[end - 1]))
                end--;
            if (end - begin > strlen(schemes[i]))
                keep(s->urls, str_sub(text, begin, end - begin));
            from = end > begin ? end : begin + 1;
        }
    }
}

static bool is_ip(struct str w)
{
    unsigned dots = 0, digits = 0, value = 0;

    for (size_t i = 0; i < w.n; i++) {
        if (digit(w.p[i])) {
            value = value * 10 + (unsigned)(w.p[i] - '0');
            if (++digits > 3 || value > 255)
                return false;
        } else if (w.p[i] == '.' && digits) {
            dots++;
            digits = value = 0;
        } else {
            return false;
        }
    }
    return dots == 3 && digits;
}

/* Endings seen in real host names; a longer list would only turn file names into domains. */
static bool is_domain(struct str w)
{
    static const char *const ends[] = {".com",  ".net",    ".org",   ".info", ".biz",     ".ru", ".cn", ".top", ".xyz",
                                       ".io",   ".onion",  ".su",    ".tk",   ".pw",      ".cc", ".me", ".co",  ".club",
                                       ".site", ".online", ".space", ".de",   ".nl",      ".fr", ".uk", ".eu",  ".us",
                                       ".br",   ".in",     ".kr",    ".jp",   ".example", ".dev"};
    if (w.n < 4 || w.n > 253 || w.p[0] == '.' || w.p[0] == '-')
        return false;
    for (size_t i = 0; i + 1 < w.n; i++)
        if (w.p[i] == '_' || (w.p[i] == '.' && w.p[i + 1] == '.'))
            return false;
    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
        if (str_iends(w, str_from(ends[i])))
            return true;
    return false;
}

static void find_words(struct strings *s, struct str text)
{
    for (size_t i = 0; i < text.n;) {
        size_t begin = i;
        struct str w;
        while (i < text.n && (word_char(text.p[i]) || text.p[i] == '@' || text.p[i] == '/'))
            i++;
        w = str_sub(text, begin, i - begin);
        while (w.n && w.p[w.n - 1] == '.')
            w.n--;
        if (w.n > 6 && w.p[0] == '/' && str_find(str_sub(w, 1, w.n), STR_LIT("/")) > 0 &&
            str_find(w, STR_LIT("//")) < 0) {
            keep(s->paths, w);
        } else if (str_find(w, STR_LIT("/")) < 0 && w.n > 3) {
            ptrdiff_t at = str_find(w, STR_LIT("@"));
            if (at > 0 && is_domain(str_sub(w, (size_t)at + 1, w.n)))
                keep(s->emails, w);
            else if (is_ip(w))
                keep(s->ips, w);
            else if (at < 0 && is_domain(w))
                keep(s->domains, w);
        }
        if (i == begin)
            i++;
    }
}

static void take(struct strings *s, struct str text, uint64_t offset, bool wide)
{
    bool fresh;
    struct str cut = str_sub(text, 0, STRING_LENGTH_MAX);

    s->total++;
    find_urls(s, text);
    find_words(s, text);
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
    struct intern **tables[] = {&ret->seen, &ret->urls, &ret->ips, &ret->domains, &ret->emails, &ret->paths};

    memset(ret, 0, sizeof(*ret));
    for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
        if (intern_new(16u << 20, tables[i]) < 0) {
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
    intern_free(&s->urls);
    intern_free(&s->ips);
    intern_free(&s->domains);
    intern_free(&s->emails);
    intern_free(&s->paths);
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
    jsonw_object(w);
    list(w, "urls", s->urls);
    list(w, "ips", s->ips);
    list(w, "domains", s->domains);
    list(w, "emails", s->emails);
    list(w, "paths", s->paths);
    jsonw_object_end(w);
}
