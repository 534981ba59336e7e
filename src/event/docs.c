/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "event/docs.h"
#include "event/event.h"

#include <errno.h>

static const char *type_name(enum event_type type)
{
    static const char *const names[] = {
        [EV_U64] = "number", [EV_I64] = "signed number", [EV_HEX] = "hex number", [EV_BOOL] = "yes/no",
        [EV_STR] = "text",   [EV_TEXT] = "long text",    [EV_NS] = "nanoseconds",
    };

    return names[type];
}

/* Cells of a table end at '|'. */
static void cell_write(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '|')
            fputc('\\', out);
        fputc(*text, out);
    }
}

static void kind_write(FILE *out, const struct event_kind_info *k)
{
    fprintf(out, "\n## %s\n\n%s.", k->name, k->doc);
    fprintf(out, " Number %u%s%s%s.\n", k->kind, *k->sigma ? ", Sigma category `" : "", k->sigma, *k->sigma ? "`" : "");
    if (!k->count) {
        fputs("\nNo fields of its own.\n", out);
        return;
    }
    fputs("\n| field | type | holds |\n|---|---|---|\n", out);
    for (unsigned i = 0; i < k->count; i++) {
        const struct event_field_info *f = &k->fields[i];
        bool octal = f->type == EV_HEX && strcmp(f->name, "Mode") == 0;
        fprintf(out, "| `%s` | %s | ", f->name, octal ? "octal number" : type_name(f->type));
        cell_write(out, f->doc);
        fputs(" |\n", out);
    }
}

int event_docs_write(FILE *out)
{
    const struct event_kind_info *k;

    fputs(
        "<!-- SPDX-License-Identifier: GPL-3.0-or-later -->\n"
        "# Events\n\n"
        "Made from `src/event/schema.def`; do not edit.\n\n"
        "Every event has these fields, and those of its kind:\n\n"
        "| field | type | holds |\n|---|---|---|\n"
        "| `seq` | number | number of the event within its source, from 1 without gaps |\n"
        "| `source` | text | who saw it: `tracer`, `agent`, `net`, `host` |\n"
        "| `time` | signed number | nanoseconds since the sample's start |\n"
        "| `kind` | text | one of the headings below |\n"
        "| `pid` | number | process |\n"
        "| `tid` | number | thread |\n\n"
        "In JSON, numbers of the type \"hex number\" are text such as `\"0x1f\"`, permission bits are octal text such "
        "as\n"
        "`\"0755\"`, and bytes of a text that are not UTF-8 are written as `\\xNN` (so is a real backslash that would\n"
        "look like one of these).\n",
        out);
    for (size_t i = 0; (k = event_kind_at(i)); i++)
        kind_write(out, k);
    return ferror(out) ? -EIO : 0;
}
