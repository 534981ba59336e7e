/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * report.html: the viewer and the data in one file. The data is JSON, gzip
 * (RFC 1952), base64 (RFC 4648) inside a script element that is not
 * JavaScript; nothing of a sample ever stands in the page as markup. The
 * content security policy allows the viewer's own script by its hash and
 * nothing else.
 */
#include "base/hash.h"
#include "report/model.h"
#include "report/viewer.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>
#include <zlib.h>

struct page {
    int fd;
    int failed;
    z_stream z;
    size_t nout, ncarry;
    uint8_t carry[3];
    char out[32768];
};

static void page_flush(struct page *p)
{
    size_t done = 0;
    while (done < p->nout && !p->failed) {
        ssize_t n = write(p->fd, p->out + done, p->nout - done);
        if (n < 0 && errno != EINTR)
            p->failed = -errno;
        if (n > 0)
            done += (size_t)n;
    }
    p->nout = 0;
}

static void page_add(struct page *p, const void *data, size_t n)
{
    const char *bytes = data;
    while (n) {
        size_t part = sizeof(p->out) - p->nout;
        if (part > n)
            part = n;
        memcpy(p->out + p->nout, bytes, part);
        p->nout += part;
        bytes += part;
        n -= part;
        if (p->nout == sizeof(p->out))
            page_flush(p);
    }
}

static void page_addz(struct page *p, const char *z)
{
    page_add(p, z, strlen(z));
}

/* Text between tags or in a quoted attribute; bytes that are not printable UTF-8 become U+FFFD. */
static void page_text(struct page *p, struct str s)
{
    for (size_t i = 0; i < s.n;) {
        unsigned char c = (unsigned char)s.p[i];
        int len = utf8_len(s.p + i, s.n - i);
        bool odd = len == 0 || c < 0x20 || c == 0x7f;
        if (len == 3 && c == 0xe2 && ((unsigned char)s.p[i + 1] == 0x80 || (unsigned char)s.p[i + 1] == 0x81))
            odd = true; /* U+2000..U+207F: marks that turn the direction of text are among them */
        if (odd)
            page_addz(p, c == '\n' ? " " : "\xef\xbf\xbd");
        else if (c == '<')
            page_addz(p, "&lt;");
        else if (c == '>')
            page_addz(p, "&gt;");
        else if (c == '&')
            page_addz(p, "&amp;");
        else if (c == '"')
            page_addz(p, "&quot;");
        else
            page_add(p, s.p + i, (size_t)len);
        i += len ? (size_t)len : 1;
    }
}

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void base64_three(const uint8_t in[3], size_t n, char out[4])
{
    uint32_t v = (uint32_t)in[0] << 16 | (uint32_t)(n > 1 ? in[1] : 0) << 8 | (n > 2 ? in[2] : 0);
    out[0] = base64[v >> 18 & 63];
    out[1] = base64[v >> 12 & 63];
    out[2] = n > 1 ? base64[v >> 6 & 63] : '=';
    out[3] = n > 2 ? base64[v & 63] : '=';
}

static void page_base64(struct page *p, const uint8_t *data, size_t n)
{
    char four[4];
    for (size_t i = 0; i < n; i++) {
        p->carry[p->ncarry++] = data[i];
        if (p->ncarry == 3) {
            base64_three(p->carry, 3, four);
            page_add(p, four, 4);
            p->ncarry = 0;
        }
    }
}

static void page_base64_end(struct page *p)
{
    char four[4];
    if (p->ncarry) {
        base64_three(p->carry, p->ncarry, four);
        page_add(p, four, 4);
    }
    p->ncarry = 0;
}

static int deflate_some(struct page *p, const void *data, size_t n, int flush)
{
    uint8_t out[16384];
    int rc;
    p->z.next_in = (Bytef *)data;
    p->z.avail_in = (uInt)n;
    do {
        p->z.next_out = out;
        p->z.avail_out = sizeof(out);
        rc = deflate(&p->z, flush);
        if (rc == Z_STREAM_ERROR)
            return -EIO;
        page_base64(p, out, sizeof(out) - p->z.avail_out);
    } while (p->z.avail_out == 0);
    return p->failed;
}

static int data_write(void *context, const void *data, size_t n)
{
    return deflate_some(context, data, n, Z_NO_FLUSH);
}

static int page_data(struct page *p, const struct report *r)
{
    struct jsonw w;
    if (deflateInit2(&p->z, 6, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK)
        return -ENOMEM;
    jsonw_to_sink(&w, data_write, p, false);
    jsonw_object(&w);
    jsonw_key(&w, "report");
    report_json(&w, r);
    jsonw_key(&w, "events");
    report_json_events(&w, r);
    jsonw_object_end(&w);
    int rc = jsonw_finish(&w);
    if (rc == 0)
        rc = deflate_some(p, "", 0, Z_FINISH);
    deflateEnd(&p->z);
    page_base64_end(p);
    return rc;
}

static int page_policy(struct page *p)
{
    uint8_t sum[SHA256_SIZE];
    int rc = sha256_bytes(viewer_js, viewer_js_size, sum);
    if (rc < 0)
        return rc;
    page_addz(p, "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src 'sha256-");
    page_base64(p, sum, sizeof(sum));
    page_base64_end(p);
    page_addz(p, "'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'\">\n");
    return 0;
}

/* What somebody without JavaScript sees; also what a search in the file finds. */
static void page_noscript(struct page *p, const struct report *r)
{
    const struct verdict *v = r->facts.verdict;
    char score[64];
    page_addz(p, "<noscript><h1>Belljar: ");
    page_addz(p, verdict_name(v->word));
    snprintf(score, sizeof(score), " (score %u of 100)</h1>\n<p>", v->score);
    page_addz(p, score);
    page_text(p, str_from(v->reason));
    page_addz(p, "</p>\n<p>");
    page_text(p, str_from(r->sentence));
    page_addz(p, "</p>\n");
    for (unsigned i = 0; i < v->nadvice && i < 8; i++) {
        page_addz(p, "<p>");
        page_text(p, str_from(v->advice[i].text));
        page_addz(p, "</p>\n");
    }
    page_addz(p,
              "<p>The details need JavaScript (a browser of 2023 or newer). This page loads nothing from the network. "
              "The same data is in report.json beside it.</p></noscript>\n");
}

static int page_write(struct page *p, const struct report *r)
{
    page_addz(p, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    int rc = page_policy(p);
    if (rc < 0)
        return rc;
    page_addz(p,
              "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
              "<meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"color-scheme\" content=\"light dark\">\n"
              "<title>");
    page_addz(p, verdict_name(r->facts.verdict->word));
    page_addz(p, " - ");
    page_text(p, str_from(r->facts.case_id));
    page_addz(p, " - Belljar</title>\n<style>");
    page_add(p, viewer_css, viewer_css_size);
    page_addz(p, "</style>\n</head>\n<body>\n");
    page_noscript(p, r);
    page_addz(p, "<div id=\"app\"></div>\n<script type=\"application/gzip;base64\" id=\"data\">");
    rc = page_data(p, r);
    if (rc < 0)
        return rc;
    page_addz(p, "</script>\n<script>");
    page_add(p, viewer_js, viewer_js_size);
    page_addz(p, "</script>\n</body>\n</html>\n");
    page_flush(p);
    return p->failed;
}

int report_html_write(const struct report *r, int fd, struct err *e)
{
    struct page p = {.fd = fd};
    if (!r->finished)
        return err_set(e, ERR_CONFLICT, "the report is not finished");
    int rc = page_write(&p, r);
    return rc < 0 ? err_set(e, rc, "cannot write report.html: %s", err_name(rc)) : 0;
}
