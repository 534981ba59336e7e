/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * First byte 0-127: the rest is rule text, compiled, kept, loaded again and run; the fuzzer's own bytes are the target.
 * 128-191: an answer of the scanner. 192-207: rule texts on the wire. 208-223: a pcap
 * file. 224-255: external variables on the wire.
 */
#include "detect/yara/meaning.h"
#include "detect/yara/pack.h"
#include "detect/yara/role.h"
#include "detect/yara/streams.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libyara 4.5 forgets the names of includes and parts of rules that fail to compile. */
const char *__lsan_default_suppressions(void)
{
    return "leak:libyara\n";
}

static void rules(struct str text)
{
    const struct yara_text t[] = {
        {.ns = STR_LIT("f"), .file = STR_LIT("f.yar"), .text = text},
        {.file = STR_LIT("part.inc"), .text = STR_LIT("private rule part { condition: true }"), .included_only = true}};
    const struct yara_target target = {.filename = "f", .timeout_s = 1};
    struct yara_rules *r = NULL;
    struct yara_result got;
    struct err e = {0};

    if (yara_compile(t, 2, NULL, 0, NULL, &r, &e) < 0)
        return;
    yara_scan(r, text.p, text.n, &target, NULL, 0, &got);
    for (uint32_t i = 0; i < got.nhits; i++) {
        struct yara_meaning m;
        yara_meaning_of(&got.hits[i], &m);
        if (m.points > 65 || !m.category.n)
            abort();
    }
    yara_result_free(&got);
    yara_rules_free(&r);
}

/* What is taken must come out the same. */
static void answer(struct reader *in)
{
    struct yara_result got, again;
    struct buf b;
    struct err e = {0};

    if (yara_result_decode(in, &got, &e) < 0) {
        if (!*e.text)
            abort();
        return;
    }
    buf_init(&b, 16u << 20);
    yara_result_encode(&got, &b);
    reader_init(in, b.data, b.len);
    if (b.failed || yara_result_decode(in, &again, &e) < 0)
        abort();
    yara_result_free(&again);
    yara_result_free(&got);
    buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct reader in;
    struct err e = {0};

    if (!size)
        return 0;
    reader_init(&in, data + 1, size - 1);
    arena_init(&a, 16u << 20);
    if (data[0] < 128) {
        rules((struct str){(const char *)data + 1, size - 1});
    } else if (data[0] < 192) {
        answer(&in);
    } else if (data[0] >= 208 && data[0] < 224) {
        struct streams s;
        char name[STREAM_NAME_MAX];
        if (streams_read(&in, &s, &e) == 0) {
            for (size_t i = 0; i < s.count; i++)
                stream_name(&s.items[i], name);
            streams_free(&s);
        }
    } else if (data[0] < 208) {
        struct yara_text *t;
        size_t n;
        if (yara_pack_decode(&in, &a, &t, &n, &e) == 0)
            for (size_t i = 0; i < n; i++)
                yara_pack_namespace(t[i].file);
    } else {
        struct yara_define *d;
        size_t n;
        yara_defines_decode(&in, &a, &d, &n, &e);
    }
    arena_free(&a);
    return 0;
}
