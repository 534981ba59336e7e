/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "report/model.h"

/* One row per format; docs and help are made from the rows. */
static const struct report_writer writers[] = {
    {"json", "report.json", "application/json", "The whole model as JSON; schema in docs/reference/report.schema.json",
     report_json_write},
    {"html", "report.html", "text/html", "One self-contained page for a browser: needs no network and no server",
     report_html_write},
};

const struct report_writer *report_writer_at(unsigned index)
{
    return index < sizeof(writers) / sizeof(*writers) ? &writers[index] : NULL;
}

const struct report_writer *report_writer_by_name(const char *name)
{
    for (unsigned i = 0; i < sizeof(writers) / sizeof(*writers); i++)
        if (name && strcmp(writers[i].name, name) == 0)
            return &writers[i];
    return NULL;
}
