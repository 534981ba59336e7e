/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "triage/indicators.h"

struct search {
    void (*fn)(void *context, enum indicator_kind kind, struct str value);
    void *context;
};

static void keep(const struct search *s, enum indicator_kind kind, struct str value)
{
    s->fn(s->context, kind, value);
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

bool indicator_is_ip(struct str w)
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

bool indicator_ip_is_local(struct str s)
{
    unsigned part[4] = {0}, n = 0;

    for (size_t i = 0; i < s.n && n < 4; i++) {
        if (s.p[i] == '.')
            n++;
        else if (digit(s.p[i]))
            part[n] = part[n] * 10 + (unsigned)(s.p[i] - '0');
    }
    return part[0] == 0 || part[0] == 127 || part[0] >= 224 || (part[0] == 169 && part[1] == 254);
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

/* The host of a URL may have any ending: nobody writes a file name there. */
static bool is_host_name(struct str w)
{
    bool letter = false;
    ptrdiff_t dot = -1;

    if (w.n < 4 || w.n > 253 || w.p[0] == '.' || w.p[0] == '-')
        return false;
    for (size_t i = 0; i < w.n; i++) {
        if (!word_char(w.p[i]) || (w.p[i] == '.' && i + 1 < w.n && w.p[i + 1] == '.'))
            return false;
        if (w.p[i] == '.')
            dot = (ptrdiff_t)i;
    }
    for (size_t i = (size_t)(dot + 1); i < w.n; i++)
        letter |= !digit(w.p[i]) && w.p[i] != '-' && w.p[i] != '_';
    return dot > 0 && letter;
}

static void keep_host(const struct search *s, struct str host, bool in_url)
{
    while (host.n && host.p[host.n - 1] == '.')
        host.n--;
    if (indicator_is_ip(host))
        keep(s, INDICATOR_IP, host);
    else if (in_url ? is_host_name(host) : is_domain(host))
        keep(s, INDICATOR_DOMAIN, host);
}

static struct str until(struct str s, const char *ends)
{
    for (size_t i = 0; i < s.n; i++)
        if (strchr(ends, s.p[i]))
            return str_sub(s, 0, i);
    return s;
}

static void keep_url(const struct search *s, struct str url, size_t scheme)
{
    struct str authority = until(str_sub(url, scheme, url.n), "/?#");

    keep(s, INDICATOR_URL, url);
    for (ptrdiff_t at; (at = str_find(authority, STR_LIT("@"))) >= 0;) /* name and password */
        authority = str_sub(authority, (size_t)at + 1, authority.n);
    keep_host(s, until(authority, ":"), true);
}

static void find_urls(const struct search *s, struct str text)
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
                keep_url(s, str_sub(text, begin, end - begin), strlen(schemes[i]));
            from = end > begin ? end : begin + 1;
        }
    }
}

/* bash's /dev/tcp/HOST/PORT */
static bool device_host(const struct search *s, struct str w)
{
    static const char *const devices[] = {"/dev/tcp/", "/dev/udp/"};

    for (size_t i = 0; i < sizeof(devices) / sizeof(*devices); i++)
        if (str_starts(w, str_from(devices[i]))) {
            keep_host(s, until(str_sub(w, strlen(devices[i]), w.n), "/"), true);
            return true;
        }
    return false;
}

/* HOST/PATH, but not the network 192.0.2.0/24. */
static void host_and_path(const struct search *s, struct str w)
{
    struct str host = until(w, "/"), rest = str_sub(w, host.n + 1, w.n);
    uint64_t bits;

    if (str_u64(rest, 10, &bits) < 0 || rest.n > 2)
        keep_host(s, host, false);
}

static void keep_word(const struct search *s, struct str w)
{
    ptrdiff_t at = str_find(w, STR_LIT("@")), slash = str_find(w, STR_LIT("/"));

    if (w.n > 6 && w.p[0] == '/' && str_find(str_sub(w, 1, w.n), STR_LIT("/")) > 0 && str_find(w, STR_LIT("//")) < 0) {
        if (!device_host(s, w))
            keep(s, INDICATOR_PATH, w);
    } else if (slash > 0 && at < 0) {
        host_and_path(s, w);
    } else if (slash < 0 && w.n > 3) {
        if (at > 0 && is_domain(str_sub(w, (size_t)at + 1, w.n)))
            keep(s, INDICATOR_EMAIL, w);
        else if (at < 0)
            keep_host(s, w, false);
    }
}

static void find_words(const struct search *s, struct str text)
{
    for (size_t i = 0; i < text.n;) {
        size_t begin = i;
        struct str w;
        while (i < text.n && (word_char(text.p[i]) || text.p[i] == '@' || text.p[i] == '/'))
            i++;
        w = str_sub(text, begin, i - begin);
        while (w.n && w.p[w.n - 1] == '.')
            w.n--;
        keep_word(s, w);
        if (i == begin)
            i++;
    }
}

void indicators_find(struct str text, void (*fn)(void *context, enum indicator_kind kind, struct str value),
                     void *context)
{
    const struct search s = {fn, context};

    find_urls(&s, text);
    find_words(&s, text);
}
