/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rules of this installation. */
#include "detect/yara/pack.h"

#include "detect/rulepack.h"
#include "detect/yara/kind.h"
#include "detect/yara/meaning.h"

#include <errno.h>
#include <stdlib.h>

struct loading {
    struct yara_pack *p;
    struct err *e;
};

static int on_file(void *context, const struct ruletext *t)
{
    struct loading *l = context;
    char *name;
    int x;

    if (str_iends(t->name, STR_LIT(".test.yml")))
        return 0;
    if (!(name = str_dup(t->name)))
        return err_set(l->e, -ENOMEM, "no memory for YARA rules");
    x = yara_pack_add_text(l->p, name, t->text, l->e);
    if (x == 0)
        l->p->texts[l->p->count - 1].weight = t->weight;
    free(name);
    return x;
}

static int on_off(void *context, const char *id)
{
    struct loading *l = context;
    struct yara_pack *p = l->p;
    if (!str_starts(str_from(id), STR_LIT("yara:")))
        return 0;
    if (p->noff == p->off_cap) {
        size_t cap = p->off_cap ? p->off_cap * 2 : 16;
        struct str *off = realloc(p->off, cap * sizeof(*off));
        if (!off)
            return err_set(l->e, -ENOMEM, "no memory for YARA rules");
        p->off = off;
        p->off_cap = cap;
    }
    struct str kept = arena_str(&p->arena, str_from(id));
    if (!kept.p)
        return err_set(l->e, -ENOMEM, "no memory for YARA rules");
    p->off[p->noff++] = kept;
    return 0;
}

int yara_pack_add_own(struct yara_pack *p, struct err *e)
{
    struct loading l = {.p = p, .e = e};
    const struct rulepacks_reader r = {.file = on_file, .off = on_off, .context = &l};
    return rulepacks_collect(&yara_rulekind, &r, e);
}

bool yara_pack_is_off(const struct yara_pack *p, struct str ns, struct str rule)
{
    char id[2 * YARA_TEXT_MAX + 32];
    if (!p->noff)
        return false;
    yara_rule_id(ns, rule, id, sizeof(id));
    for (size_t i = 0; i < p->noff; i++)
        if (str_eqz(p->off[i], id))
            return true;
    return false;
}

unsigned yara_pack_weight(const struct yara_pack *p, struct str ns)
{
    for (size_t i = 0; i < p->count; i++)
        if (!p->texts[i].included_only && str_eq(p->texts[i].ns, ns))
            return p->texts[i].weight;
    return 100;
}
