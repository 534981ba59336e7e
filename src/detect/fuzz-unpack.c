/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Archives; and what comes back from the jail, which is the form of allow-lists too: the first byte says which. */
#include "detect/allowlist.h"
#include "detect/rulepack.h"
#include "detect/unpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct unpack_stats stats;
    struct ruletexts texts;
    char name[UNPACK_NAME_MAX + 1];
    struct buf b;
    if (size == 0)
        return 0;
    buf_init(&b, 4 << 20);
    if (data[0] & 1) {
        if (ruletexts_read((struct str){(const char *)data + 1, size - 1}, &texts, NULL) == 0) {
            rulepack_sort_out(&texts, rulekind_at(0));
            ruletexts_sort(&texts);
            ruletexts_free(&texts);
        }
        struct allowlist a;
        if (allowlist_parse((struct str){(const char *)data + 1, size - 1}, &a, NULL) == 0) {
            allowlist_find(&a, STR_LIT("00"), STR_LIT("/usr/bin/x"));
            allowlist_free(&a);
        }
        unpack_name((struct str){(const char *)data + 1, size - 1}, name);
    } else if (unpack_archive(data + 1, size - 1, rulekind_file, &b, &stats, NULL) == 0) {
        /* What we hand over must be what the other side takes. */
        if (ruletexts_read(buf_str(&b), &texts, NULL) < 0)
            __builtin_trap();
        ruletexts_free(&texts);
    }
    buf_free(&b);
    return 0;
}
