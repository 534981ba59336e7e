/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "triage/triage.h"

#include "base/hash.h"
#include "base/jsonw.h"
#include "format/elf.h"
#include "triage/identify.h"
#include "triage/strings.h"

#include <elf.h>
#include <errno.h>
#include <fuzzy.h>
#include <stdlib.h>

#define ELF_ARENA_MAX (64u << 20)
#define JSON_MAX (16u << 20)

/* Processors that the Linux guests run, natively or by user-mode emulation (images recipe: packages). */
static bool guest_runs(const struct elf *f)
{
    static const char *const names[] = {"x86_64", "i386", "arm", "aarch64", "mips", "mipsel", "ppc", "riscv64"};
    const char *own = elf_machine_short(f->machine, f->bits, f->big);

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (!strcmp(own, names[i]))
            return true;
    return false;
}

static void elf_verdict(const struct elf *f, char *ret, size_t n)
{
    const char *name = elf_machine_name(f->machine);

    if (f->type == ET_REL)
        snprintf(ret, n, "This is an object file or kernel module: it cannot be started by itself");
    else if (f->type == ET_CORE)
        snprintf(ret, n, "This is a core dump, not a program");
    else if (f->type != ET_EXEC && f->type != ET_DYN)
        snprintf(ret, n, "The ELF header names no kind of file that can be started (type 0x%x)", f->type);
    else if (!guest_runs(f))
        snprintf(ret, n, "This program is for %s (%u bit, %s endian); no system here runs that",
                 name ? name : "an unknown processor", f->bits, f->big ? "big" : "little");
    else if (f->type == ET_DYN && !f->entry)
        snprintf(ret, n, "This is a shared library without an entry point: it is loaded by programs, not started");
    else if (!f->nsegments)
        snprintf(ret, n,
                 "The file has no program headers that can be read: it is cut or damaged, and Linux would refuse it");
}

static void plain_verdict(const struct identity *id, char *ret, size_t n)
{
    static const char *const runnable[] = {"script", "shell", "bash", "python", "perl", "awk"};

    for (size_t i = 0; i < sizeof(runnable) / sizeof(*runnable); i++)
        if (!strcmp(id->type, runnable[i]))
            return;
    if (!strcmp(id->type, "empty"))
        snprintf(ret, n, "The file is empty: there is nothing to run");
    else
        snprintf(ret, n, "This is %s; the Linux systems here have no program that opens it", id->title);
}

static void hashes_json(struct jsonw *w, const struct hash_set *h, const char *ssdeep)
{
    jsonw_kobject(w, "hashes");
    jsonw_kz(w, "md5", h->md5);
    jsonw_kz(w, "sha1", h->sha1);
    jsonw_kz(w, "sha256", h->sha256);
    jsonw_kz(w, "sha512", h->sha512);
    jsonw_kz(w, "ssdeep", ssdeep);
    jsonw_object_end(w);
    jsonw_ku64(w, "size", h->size);
    jsonw_kdouble(w, "entropy", h->entropy);
}

struct triage {
    struct reader in;
    struct identity id;
    struct hash_set hashes;
    struct strings strings;
    struct arena arena;
    struct elf elf;
    bool is_elf;
    char ssdeep[FUZZY_MAX_RESULT];
    char refusal[256];
    struct err elf_error;
};

static void write_all(struct jsonw *w, const struct triage *t, const char *description)
{
    static const struct anomalies none;

    jsonw_object(w);
    jsonw_kz(w, "type", t->id.type);
    jsonw_kz(w, "title", t->id.title);
    jsonw_kz(w, "description", description);
    jsonw_kbytes(w, "interpreter", t->id.interpreter);
    jsonw_kz(w, "not_runnable", *t->refusal ? t->refusal : NULL);
    hashes_json(w, &t->hashes, *t->ssdeep ? t->ssdeep : NULL);
    jsonw_key(w, "elf");
    if (t->is_elf)
        elf_json(w, &t->elf);
    else
        jsonw_null(w);
    jsonw_key(w, "strings");
    strings_json(w, &t->strings);
    jsonw_key(w, "indicators");
    indicators_json(w, &t->strings);
    jsonw_key(w, "anomalies");
    anomalies_json(w, t->is_elf ? &t->elf.anomalies : &none);
    jsonw_object_end(w);
}

static void read_elf(struct triage *t)
{
    struct reader r = t->in;

    t->is_elf = elf_parse(&r, &t->arena, &t->elf, &t->elf_error) == 0;
    if (t->is_elf)
        elf_verdict(&t->elf, t->refusal, sizeof(t->refusal));
    else
        snprintf(t->refusal, sizeof(t->refusal), "The ELF header is damaged (%.160s)", t->elf_error.text);
}

int triage_describe(const void *p, size_t n, const char *name, const char *description, struct buf *ret, struct err *e)
{
    struct triage *t = calloc(1, sizeof(*t));
    struct jsonw w;
    int r;

    if (!t)
        return err_set(e, -ENOMEM, "out of memory");
    reader_init(&t->in, p, n);
    arena_init(&t->arena, ELF_ARENA_MAX);
    identify(&t->in, str_from(name), &t->id);
    if ((r = hash_bytes(p, n, &t->hashes, e)) < 0)
        goto out;
    if ((r = strings_collect(&t->in, &t->strings)) < 0) {
        err_set(e, r, "out of memory");
        goto out;
    }
    if (n && n <= UINT32_MAX && fuzzy_hash_buf(p, (uint32_t)n, t->ssdeep) != 0)
        *t->ssdeep = '\0';
    if (!strcmp(t->id.type, "elf"))
        read_elf(t);
    else
        plain_verdict(&t->id, t->refusal, sizeof(t->refusal));
    buf_init(ret, JSON_MAX);
    jsonw_to_buf(&w, ret, true);
    write_all(&w, t, description);
    if ((r = jsonw_finish(&w)) < 0) {
        err_set(e, r, "the description of the file is too large");
        buf_free(ret);
    }
out:
    strings_free(&t->strings);
    arena_free(&t->arena);
    free(t);
    return r;
}

int triage_bytes(const void *p, size_t n, const char *name, struct buf *ret, struct err *e)
{
    return triage_describe(p, n, name, NULL, ret, e);
}
