/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Packs the small files of a case for the jailed half. */
#include "case/observe-private.h"

#include "base/jsonw.h"
#include "case/artefacts-private.h"
#include "conf/conf.h"
#include "detect/allowlist.h"
#include "detect/ruletexts.h"
#include "os/file.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define FACT_MAX (32u << 20)
#define FACTS_MAX (96u << 20)

static void add_text(struct buf *out, const void *p, size_t n)
{
    buf_u32le(out, (uint32_t)n);
    buf_add(out, p, n);
    buf_u8(out, 0);
}

static int add_file(struct buf *out, const char *path, struct err *e)
{
    struct buf b;
    int r = path ? file_read_regular(path, FACT_MAX, &b, e) : -ENOENT;

    if (r == -ENOENT) {
        add_text(out, "", 0);
        return 0;
    }
    if (r < 0)
        return r;
    add_text(out, b.data, b.len);
    buf_free(&b);
    return 0;
}

static int add_member(struct buf *out, const struct case_folder *c, const char *name, struct err *e)
{
    char *path = case_path(c, name);
    int r = path ? add_file(out, path, e) : err_set(e, -ENOMEM, "out of memory");
    free(path);
    return r;
}

/* While the run goes on there is none; what lies there is of an earlier scan. */
static int add_yara(struct buf *out, const struct case_folder *c, bool live, struct err *e)
{
    if (!live)
        return add_member(out, c, ARTEFACTS_FILE, e);
    add_text(out, "", 0);
    return 0;
}

/* What run.json will say of the sample, as case/run-facts.c writes it. */
static int add_live_run(struct buf *out, const char *sample_path, struct err *e)
{
    struct buf b;
    struct jsonw w;
    int r;

    buf_init(&b, FACT_MAX);
    jsonw_to_buf(&w, &b, true);
    jsonw_object(&w);
    jsonw_kbytes(&w, "sample_path", str_from(sample_path));
    jsonw_object_end(&w);
    if ((r = jsonw_finish(&w)) < 0)
        err_set(e, r, "the sample's path cannot be written down");
    else
        add_text(out, b.data, b.len);
    buf_free(&b);
    return r;
}

/* Where the settings say, else DATA/allow. What is wrong with it is told in the report, not by having none. */
static int add_allowlist(struct buf *out, struct err *e)
{
    struct conf *conf = NULL;
    struct buf b = {0};
    struct err why = {0};
    const char *set;
    char *path;
    int r = conf_load(NULL, &conf, e);

    if (r < 0)
        return r;
    set = conf_text(conf, CONF_ALLOW_LIST);
    path = *set ? path_format("%s", set) : path_join(conf_data_dir(conf), "allow");
    conf_free(&conf);
    if (!path)
        return err_set(e, -ENOMEM, "out of memory");
    if (allowlist_read(path, &b, &why) < 0) {
        buf_init(&b, 4096);
        ruletexts_add(&b, &(struct ruletext){RULETEXT_OFF, 0, str_from(why.text), STR_NONE});
    }
    free(path);
    add_text(out, b.data, b.len);
    buf_free(&b);
    return 0;
}

int observe_pack_facts(const struct case_folder *c, const struct observe_inputs *in, int *ret_fd, struct err *e)
{
    struct buf b;
    int r, fd = -1;

    buf_init(&b, FACTS_MAX);
    add_text(&b, c->id, strlen(c->id));
    if ((r = add_member(&b, c, "submission.json", e)) < 0 || (r = add_member(&b, c, "static.json", e)) < 0 ||
        (r = in->live ? add_live_run(&b, in->sample_path, e) : add_member(&b, c, "runs/1/run.json", e)) < 0 ||
        (r = add_file(&b, in->baseline_path, e)) < 0 || (r = add_file(&b, in->passwd_path, e)) < 0 ||
        (r = add_yara(&b, c, in->live, e)) < 0)
        goto out;
    if ((r = add_allowlist(&b, e)) < 0)
        goto out;
    if (b.failed) {
        r = err_set(e, b.failed, "the case's descriptions are too large");
        goto out;
    }
    fd = memfd_create("facts", MFD_CLOEXEC);
    if (fd < 0) {
        r = err_errno(e, "cannot make a memory file");
    } else if ((r = file_write_all(fd, b.data, b.len)) < 0 || lseek(fd, 0, SEEK_SET) < 0) {
        r = err_set(e, -EIO, "cannot fill a memory file");
        close(fd);
    } else {
        *ret_fd = fd;
    }
out:
    buf_free(&b);
    return r;
}
