/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/anomaly.h"

void anomaly_add(struct anomalies *a, const char *what, uint64_t offset, const char *text)
{
    if (a->count == ANOMALIES_MAX) {
        a->more++;
        return;
    }
    a->items[a->count++] = (struct anomaly){what, text, offset};
}

void anomalies_json(struct jsonw *w, const struct anomalies *a)
{
    jsonw_array(w);
    for (unsigned i = 0; i < a->count; i++) {
        jsonw_object(w);
        jsonw_kz(w, "what", a->items[i].what);
        jsonw_ku64(w, "offset", a->items[i].offset);
        jsonw_kz(w, "text", a->items[i].text);
        jsonw_object_end(w);
    }
    jsonw_array_end(w);
}
