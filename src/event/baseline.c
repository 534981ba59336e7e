/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "event/baseline.h"
#include "base/buf.h"
#include "base/intern.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define HEAD "belljar-baseline 1"
#define KEY_MAX (4 * BASELINE_TEXT_MAX * 2 + 128) /* every byte may become \xNN */
#define TABLE_MAX ((size_t)128 << 20)

struct baseline {
    struct intern *keys;
    int8_t slots[EVENT_KIND_MAX]; /* field that is the target, -1 none */
};

/* A key while it is put together: cut, never too long. */
struct key {
    size_t n;
    char text[KEY_MAX];
};

static void slots_choose(struct baseline *b)
{
    static const char *const telling[] = {"TargetFilename", "CommandLine",   "ImageLoaded", "QueryName", "Url",
                                          "Host",           "DestinationIp", "SourceIp"};
    const struct event_kind_info *k;

    memset(b->slots, -1, sizeof(b->slots));
    for (size_t i = 0; (k = event_kind_at(i)); i++) {
        int slot = -1;
        for (size_t t = 0; t < sizeof(telling) / sizeof(*telling) && slot < 0; t++)
            slot = event_field_slot(k, str_from(telling[t]));
        for (int f = 0; f < k->count && slot < 0; f++)
            slot = k->fields[f].type == EV_STR ? f : -1;
        b->slots[k->kind] = (int8_t)slot;
    }
}

int baseline_new(struct baseline **ret)
{
    struct baseline *b = calloc(1, sizeof(*b));

    if (!b || intern_new(TABLE_MAX, &b->keys) < 0) {
        free(b);
        return -ENOMEM;
    }
    slots_choose(b);
    *ret = b;
    return 0;
}

void baseline_free(struct baseline **b)
{
    if (!b || !*b)
        return;
    intern_free(&(*b)->keys);
    free(*b);
    *b = NULL;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_alnum(char c)
{
    return is_digit(c) || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

/* Length of an UUID (8-4-4-4-12 hex digits) at p, or 0. */
static size_t uuid_len(const char *p, size_t n)
{
    if (n < 36)
        return 0;
    for (int i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? p[i] != '-' : !is_hex(p[i]))
            return 0;
    }
    return 36;
}

/*
 * Length of a random suffix as mktemp makes them, or 0: six to twelve letters
 * and digits behind '.', '-' or '_' and before the end of the word, among them
 * a capital and something that is none.
 */
static size_t suffix_len(struct str s, size_t at)
{
    size_t n = 0, big = 0;

    if (at == 0 || !memchr(".-_", s.p[at - 1], 3))
        return 0;
    while (at + n < s.n && is_alnum(s.p[at + n])) {
        big += s.p[at + n] >= 'A' && s.p[at + n] <= 'Z';
        n++;
    }
    bool ends = at + n == s.n || memchr("/ \"'", s.p[at + n], 4);
    return ends && n >= 6 && n <= 12 && big && big < n ? n : 0;
}

static size_t run_len(struct str s, size_t at, bool (*is)(char))
{
    size_t n = 0;

    while (at + n < s.n && is(s.p[at + n]))
        n++;
    return n;
}

/* How many bytes at `at` become one '#'; 0: the byte stays. `start`: no letter or digit stands before it. */
static size_t noise_len(struct str s, size_t at, bool start)
{
    if (start) {
        size_t n = uuid_len(s.p + at, s.n - at);
        if (!n)
            n = suffix_len(s, at);
        if (n)
            return n;
    }
    size_t hex = run_len(s, at, is_hex);
    return hex >= 8 ? hex : run_len(s, at, is_digit);
}

static void key_byte(struct key *k, char c)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char u = (unsigned char)c;

    if (u >= 0x20 && u < 0x7f && u != '\\') {
        k->text[k->n++] = c;
    } else {
        k->text[k->n++] = '\\';
        k->text[k->n++] = 'x';
        k->text[k->n++] = digits[u >> 4];
        k->text[k->n++] = digits[u & 15];
    }
}

static void key_text(struct key *k, struct str s)
{
    bool start = true;

    s = str_sub(s, 0, BASELINE_TEXT_MAX);
    for (size_t i = 0; i < s.n;) {
        size_t n = noise_len(s, i, start);
        if (n) {
            k->text[k->n++] = '#';
            i += n;
            start = false;
        } else {
            start = !is_alnum(s.p[i]);
            key_byte(k, s.p[i++]);
        }
    }
}

static struct str key_make(const struct baseline *b, const struct event *ev, const struct proc *p, struct key *k)
{
    const struct event_kind_info *info = event_kind_info(ev->kind);

    k->n = 0;
    if (!info)
        return STR_NONE;
    for (const char *c = info->name; *c; c++)
        k->text[k->n++] = *c;
    k->text[k->n++] = '\t';
    key_text(k, p->image);
    k->text[k->n++] = '\t';
    if (b->slots[ev->kind] >= 0)
        key_text(k, event_s(ev, (unsigned)b->slots[ev->kind]));
    return (struct str){k->text, k->n};
}

int baseline_add_event(struct baseline *b, const struct event *ev, const struct proc *p)
{
    struct key space;
    bool fresh;

    if (p->lineage != PROC_SYSTEM)
        return 0;
    struct str key = key_make(b, ev, p, &space);
    if (!key.n || intern_find(b->keys, key))
        return 0;
    if (intern_count(b->keys) >= BASELINE_KEYS_MAX)
        return ERR_LIMIT;
    return intern_add_new(b->keys, key, &fresh) ? 1 : ERR_LIMIT;
}

bool baseline_has(const struct baseline *b, const struct event *ev, const struct proc *p)
{
    struct key space;
    struct str key = key_make(b, ev, p, &space);

    return key.n && intern_find(b->keys, key);
}

uint32_t baseline_count(const struct baseline *b)
{
    return intern_count(b->keys);
}

static int key_order(const void *a, const void *b)
{
    const struct str *x = a, *y = b;
    int r = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);

    return r ? r : x->n < y->n ? -1 : x->n > y->n;
}

static int write_all(int fd, const uint8_t *p, size_t n, struct err *e)
{
    while (n) {
        ssize_t done = write(fd, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return err_errno(e, "cannot write the baseline");
        p += done;
        n -= (size_t)done;
    }
    return 0;
}

int baseline_save(const struct baseline *b, int fd, struct err *e)
{
    uint32_t n = intern_count(b->keys);
    struct str *keys = calloc((size_t)n + 1, sizeof(*keys));
    struct buf out;
    int r = keys ? 0 : -ENOMEM;

    buf_init(&out, TABLE_MAX);
    for (uint32_t i = 0; i < n && keys; i++)
        keys[i] = intern_get(b->keys, i + 1);
    if (n && keys)
        qsort(keys, n, sizeof(*keys), key_order);
    buf_addz(&out, HEAD "\n");
    for (uint32_t i = 0; i < n && keys; i++) {
        buf_add_str(&out, keys[i]);
        buf_u8(&out, '\n');
    }
    if (r == 0)
        r = out.failed;
    if (r < 0)
        err_set(e, r, "cannot write the baseline: %s", err_name(r));
    else
        r = write_all(fd, out.data, out.len, e);
    buf_free(&out);
    free(keys);
    return r;
}

/* A key has three parts of printable ASCII. */
static bool line_good(struct str line)
{
    unsigned tabs = 0;

    for (size_t i = 0; i < line.n; i++) {
        if (line.p[i] == '\t')
            tabs++;
        else if (line.p[i] < 0x20 || line.p[i] > 0x7e)
            return false;
    }
    return tabs == 2 && line.n <= KEY_MAX;
}

int baseline_parse(struct str text, struct baseline **ret, struct err *e)
{
    struct baseline *b = NULL;
    struct str line;
    unsigned number = 1;
    int r = 0;

    if (!str_split(&text, '\n', &line) || !str_eqz(line, HEAD))
        return err_set(e, ERR_FORMAT, "line 1: not a baseline of this version");
    if (baseline_new(&b) < 0)
        return err_set(e, -ENOMEM, "cannot read the baseline: no memory");
    while (r == 0 && str_split(&text, '\n', &line)) {
        number++;
        if (line.n == 0 && text.p == NULL)
            break; /* behind the last new line */
        if (!line_good(line))
            r = err_set(e, ERR_FORMAT, "line %u: not a key of a baseline", number);
        else if (intern_count(b->keys) >= BASELINE_KEYS_MAX || !intern_add(b->keys, line))
            r = err_set(e, ERR_LIMIT, "line %u: more than %d keys", number, BASELINE_KEYS_MAX);
    }
    if (r < 0)
        baseline_free(&b);
    else
        *ret = b;
    return r;
}

int baseline_load(int fd, struct baseline **ret, struct err *e)
{
    struct buf in;
    int r = 0;

    buf_init(&in, BASELINE_FILE_MAX);
    for (;;) {
        r = buf_reserve(&in, 64 * 1024);
        if (r < 0) {
            err_set(e, r, "cannot read the baseline: %s", err_name(r));
            break;
        }
        ssize_t n = read(fd, in.data + in.len, 64 * 1024);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            r = err_errno(e, "cannot read the baseline");
        if (n <= 0)
            break;
        in.len += (size_t)n;
    }
    if (r == 0)
        r = baseline_parse(buf_str(&in), ret, e);
    buf_free(&in);
    return r;
}
