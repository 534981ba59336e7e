/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any text: an error with a sentence, or settings that are written and read back the same. */
#include "conf/conf.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char *const environment[] = {"HOME=/home/somebody", NULL};
    struct conf *c = NULL, *again = NULL;
    struct err e = {0};
    char *text = NULL;
    size_t n = 0;

    int r = conf_parse("fuzz", (struct str){(const char *)data, size}, environment, &c, &e);
    if (r < 0) {
        if (c || r != e.code || !e.text[0])
            abort();
        return 0;
    }
    FILE *out = open_memstream(&text, &n);
    if (!out || conf_write(c, out) < 0 || fclose(out) != 0)
        abort();
    /* A path with a quote has no written form: the one thing that cannot go round. */
    bool quote = memchr(conf_text(c, CONF_DATA_DIR), '"', strlen(conf_text(c, CONF_DATA_DIR))) ||
                 strchr(conf_text(c, CONF_CACHE_DIR), '"') || strchr(conf_text(c, CONF_SHARE_DIR), '"');
    if (!quote) {
        if (conf_parse("again", (struct str){text, n}, environment, &again, &e) < 0)
            abort();
        for (int i = 0; i < CONF_COUNT; i++) {
            if (conf_number(c, i) != conf_number(again, i) || strcmp(conf_text(c, i), conf_text(again, i)) != 0)
                abort();
        }
    }
    conf_free(&again);
    conf_free(&c);
    free(text);
    return 0;
}
