/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A record written out: as JSON in the shape of the common tools, and as XML. */
#include "format/evtx.h"

#include <math.h>
#include <stdio.h>

/* Names of so many brothers before are looked through; behind them every name gets its place as a number. */
#define SAME_NAMES_MAX 256

static void value_json(struct jsonw *w, const struct evtx_value *v)
{
    switch (v->kind) {
    case EVTX_NULL:
        jsonw_null(w);
        break;
    case EVTX_INT:
        jsonw_i64(w, v->i);
        break;
    case EVTX_UNSIGNED:
        jsonw_u64(w, v->u);
        break;
    case EVTX_REAL:
        if (isfinite(v->d))
            jsonw_raw(w, v->text.p, v->text.n);
        else
            jsonw_str(w, v->text);
        break;
    case EVTX_BOOL:
        jsonw_bool(w, v->u);
        break;
    case EVTX_GUID: /* without the braces */
        jsonw_str(w, str_sub(v->text, 1, v->text.n > 2 ? v->text.n - 2 : 0));
        break;
    default:
        jsonw_str(w, v->text);
    }
}

static void values_json(struct jsonw *w, const struct evtx_value *v)
{
    if (!v) {
        jsonw_null(w);
    } else if (!v->next) {
        value_json(w, v);
    } else {
        jsonw_array(w);
        for (; v; v = v->next)
            value_json(w, v);
        jsonw_array_end(w);
    }
}

static void attributes_json(struct jsonw *w, const struct evtx_element *e)
{
    jsonw_kobject(w, "#attributes");
    for (const struct evtx_attribute *a = e->attributes; a; a = a->next) {
        jsonw_key_str(w, a->name);
        value_json(w, &a->value);
    }
    jsonw_object_end(w);
}

/* <Data Name="x">: the name that stands for the element; else the element's own. */
static bool data_name(const struct evtx_element *e, struct str *ret)
{
    *ret = e->name;
    if (!str_eq(e->name, STR_LIT("Data")))
        return false;
    for (const struct evtx_attribute *a = e->attributes; a; a = a->next)
        if (str_eq(a->name, STR_LIT("Name"))) {
            *ret = a->value.text;
            return true;
        }
    return false;
}

static void key_json(struct jsonw *w, const struct evtx_element *first, const struct evtx_element *e)
{
    struct str name, other;
    unsigned same = 0, seen = 0;
    char text[300];

    data_name(e, &name);
    for (const struct evtx_element *b = first; b != e; b = b->next) {
        if (++seen > SAME_NAMES_MAX)
            continue;
        data_name(b, &other);
        same += str_eq(name, other);
    }
    if (seen > SAME_NAMES_MAX)
        same = seen;
    if (!same) {
        jsonw_key_str(w, name);
        return;
    }
    snprintf(text, sizeof(text), "%.*s_%u", (int)(name.n < 250 ? name.n : 250), name.p ? name.p : "", same);
    jsonw_key(w, text);
}

static void children_json(struct jsonw *w, const struct evtx_element *first);

static void element_json(struct jsonw *w, const struct evtx_element *e)
{
    struct str name;
    bool attributes = e->attributes && !data_name(e, &name);

    if (!attributes && !e->child) {
        values_json(w, e->value);
        return;
    }
    jsonw_object(w);
    if (attributes)
        attributes_json(w, e);
    if (e->value) {
        jsonw_key(w, "#text");
        values_json(w, e->value);
    }
    children_json(w, e->child);
    jsonw_object_end(w);
}

static bool is_plain_data(const struct evtx_element *e)
{
    return str_eq(e->name, STR_LIT("Data")) && !e->attributes && !e->child;
}

/* All <Data> without a name as one: {"Data":{"#text":[...]}} */
static void plain_data_json(struct jsonw *w, const struct evtx_element *first)
{
    unsigned count = 0;

    for (const struct evtx_element *e = first; e; e = e->next)
        if (is_plain_data(e))
            for (const struct evtx_value *v = e->value; count < 2; v = v->next) {
                count++;
                if (!v || !v->next)
                    break;
            }
    jsonw_kobject(w, "Data");
    jsonw_key(w, "#text");
    if (count > 1)
        jsonw_array(w);
    for (const struct evtx_element *e = first; e; e = e->next) {
        if (!is_plain_data(e))
            continue;
        if (!e->value)
            jsonw_z(w, "");
        for (const struct evtx_value *v = e->value; v; v = v->next)
            value_json(w, v);
    }
    if (count > 1)
        jsonw_array_end(w);
    jsonw_object_end(w);
}

static void children_json(struct jsonw *w, const struct evtx_element *first)
{
    bool plain = false;

    for (const struct evtx_element *e = first; e; e = e->next) {
        if (is_plain_data(e)) {
            if (!plain)
                plain_data_json(w, first);
            plain = true;
            continue;
        }
        key_json(w, first, e);
        element_json(w, e);
    }
}

void evtx_json(struct jsonw *w, const struct evtx_record *r)
{
    jsonw_object(w);
    children_json(w, r->root);
    jsonw_object_end(w);
}

/* ---- XML ----------------------------------------------------------------------------------------------------- */

/* XML 1.0, 2.2: characters; 2.4: what must be escaped. */
static void text_xml(struct buf *b, struct str s, bool attribute)
{
    size_t from = 0;

    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        const char *as = c == '<'                             ? "&lt;"
                         : c == '>'                           ? "&gt;"
                         : c == '&'                           ? "&amp;"
                         : c == '"' && attribute              ? "&quot;"
                         : c == '\r'                          ? "&#13;"
                         : c == '\n' && attribute             ? "&#10;"
                         : c == '\t' && attribute             ? "&#9;"
                         : c < 0x20 && c != '\n' && c != '\t' ? "\xef\xbf\xbd"
                                                              : NULL;
        if (!as)
            continue;
        buf_add(b, s.p + from, i - from);
        buf_addz(b, as);
        from = i + 1;
    }
    if (s.n > from)
        buf_add(b, s.p + from, s.n - from);
}

/* A name from the file may hold what would break the markup: such characters become '_'. */
static void name_xml(struct buf *b, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        buf_u8(b, c <= 0x20 || c == '<' || c == '>' || c == '&' || c == '"' || c == '\'' || c == '/' || c == '=' ? '_'
                                                                                                                 : c);
    }
    if (!s.n)
        buf_u8(b, '_');
}

static void elements_xml(struct buf *b, const struct evtx_element *first);

static void element_xml(struct buf *b, const struct evtx_element *e, const struct evtx_value *v)
{
    buf_u8(b, '<');
    name_xml(b, e->name);
    for (const struct evtx_attribute *a = e->attributes; a; a = a->next) {
        buf_u8(b, ' ');
        name_xml(b, a->name);
        buf_addz(b, "=\"");
        text_xml(b, a->value.text, true);
        buf_u8(b, '"');
    }
    if (!v && !e->child) {
        buf_addz(b, "/>");
        return;
    }
    buf_u8(b, '>');
    if (v)
        text_xml(b, v->text, false);
    elements_xml(b, e->child);
    buf_addz(b, "</");
    name_xml(b, e->name);
    buf_u8(b, '>');
}

static void elements_xml(struct buf *b, const struct evtx_element *first)
{
    for (const struct evtx_element *e = first; e && !b->failed; e = e->next) {
        const struct evtx_value *v = e->value;
        do { /* an array repeats its element ([MS-EVEN6] 2.2.21) */
            element_xml(b, e, v);
            v = v ? v->next : NULL;
        } while (v && !e->child);
    }
}

void evtx_xml(struct buf *b, const struct evtx_record *r)
{
    elements_xml(b, r->root);
}
