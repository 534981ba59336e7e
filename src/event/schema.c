/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "event/event.h"

/* clang-format off: the schema is included as code */
/* One table of fields per kind; a last empty row, because some kinds have no fields. */
#define EV_KIND(num, sym, name, sigma, doc) static const struct event_field_info fields_##sym[] = {
#define EV_FIELD(sym, field, type, doc) {#field, doc, EV_##type},
#define EV_END(sym)                                                                                                    \
    {                                                                                                                  \
        NULL, NULL, EV_U64                                                                                             \
    }                                                                                                                  \
    }                                                                                                                  \
    ;                                                                                                                  \
    _Static_assert(EVF_##sym##__COUNT <= EVENT_FIELDS_MAX, "too many fields in " #sym);
#include "event/schema-all.def"
#undef EV_KIND
#undef EV_FIELD
#undef EV_END

#define EV_FIELD(sym, field, type, doc)
#define EV_END(sym)

static const struct event_kind_info by_number[EVENT_KIND_MAX] = {
#define EV_KIND(num, sym, name, sigma, doc) [num] = {num, name, sigma, doc, EVF_##sym##__COUNT, fields_##sym},
#include "event/schema-all.def"
#undef EV_KIND
};

static const uint16_t in_order[] = {
#define EV_KIND(num, sym, name, sigma, doc) num,
#include "event/schema-all.def"
#undef EV_KIND
};
/* clang-format on */

const struct event_kind_info *event_kind_info(uint16_t kind)
{
    return kind < EVENT_KIND_MAX && by_number[kind].name ? &by_number[kind] : NULL;
}

const struct event_kind_info *event_kind_at(size_t index)
{
    return index < sizeof(in_order) / sizeof(*in_order) ? &by_number[in_order[index]] : NULL;
}

const struct event_kind_info *event_kind_by_name(struct str name)
{
    const struct event_kind_info *k;

    for (size_t i = 0; (k = event_kind_at(i)); i++) {
        if (str_eqz(name, k->name))
            return k;
    }
    return NULL;
}

int event_field_slot(const struct event_kind_info *k, struct str field)
{
    for (int i = 0; i < k->count; i++) {
        if (str_eqz(field, k->fields[i].name))
            return i;
    }
    return -1;
}
