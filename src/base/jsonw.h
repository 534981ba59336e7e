/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A streaming JSON writer: RFC 8259 output, valid UTF-8 always.
 *
 * Bytes of a string that are not valid UTF-8 become U+FFFD, except with
 * jsonw_bytes, which writes them as the six characters \xNN... (a backslash,
 * an x and two hex digits, the backslash escaped), so that no evidence is lost:
 * file names use that one. NUL is written so, too (many readers refuse \u0000). Control characters are escaped; so are
 * '<', '>' and
 * '&' (as \u003c ...) so that the text may stand inside an HTML script element,
 * and U+2028/2029.
 * Nesting mistakes (a key outside an object, ...) are programming errors: assert.
 * Output errors are sticky: look at jsonw_finish.
 */
#ifndef BELLJAR_BASE_JSONW_H
#define BELLJAR_BASE_JSONW_H

#include "base/buf.h"

#define JSONW_DEPTH_MAX 64

struct jsonw {
    int (*write)(void *context, const void *p, size_t n); /* 0 or negative */
    void *context;
    struct buf *target; /* when made by jsonw_to_buf */
    int failed;
    bool pretty;
    int depth;
    uint8_t stack[JSONW_DEPTH_MAX]; /* state per level; private */
    size_t pending;
    char chunk[4096];
};

void jsonw_to_buf(struct jsonw *w, struct buf *b, bool pretty);
void jsonw_to_sink(struct jsonw *w, int (*write)(void *, const void *, size_t), void *context, bool pretty);
void jsonw_to_fd(struct jsonw *w, int fd, bool pretty); /* borrowed descriptor, handles short writes */
/* Flushes. 0, or the first error. The document must be closed (depth 0). */
int jsonw_finish(struct jsonw *w);

void jsonw_object(struct jsonw *w);     /* { as a value */
void jsonw_object_end(struct jsonw *w); /* } */
void jsonw_array(struct jsonw *w);
void jsonw_array_end(struct jsonw *w);
void jsonw_key(struct jsonw *w, const char *key); /* key: trusted text */
void jsonw_key_str(struct jsonw *w, struct str key);
void jsonw_str(struct jsonw *w, struct str s);
void jsonw_bytes(struct jsonw *w, struct str s);
void jsonw_z(struct jsonw *w, const char *z); /* NULL writes null */
void jsonw_u64(struct jsonw *w, uint64_t v);
void jsonw_i64(struct jsonw *w, int64_t v);
void jsonw_double(struct jsonw *w, double v); /* up to 6 decimals; NaN and infinity write null */
void jsonw_bool(struct jsonw *w, bool v);
void jsonw_null(struct jsonw *w);
void jsonw_hex(struct jsonw *w, const void *p, size_t n);    /* lower-case hex text */
void jsonw_raw(struct jsonw *w, const char *json, size_t n); /* a finished JSON value, trusted */

/* key + value in one call */
void jsonw_kstr(struct jsonw *w, const char *key, struct str s);
void jsonw_kbytes(struct jsonw *w, const char *key, struct str s);
void jsonw_kz(struct jsonw *w, const char *key, const char *z);
void jsonw_ku64(struct jsonw *w, const char *key, uint64_t v);
void jsonw_ki64(struct jsonw *w, const char *key, int64_t v);
void jsonw_kbool(struct jsonw *w, const char *key, bool v);
void jsonw_kdouble(struct jsonw *w, const char *key, double v);
void jsonw_kobject(struct jsonw *w, const char *key);
void jsonw_karray(struct jsonw *w, const char *key);

#endif
