/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/unpack.h"

#include "base/reader.h"
#include "detect/rulekind.h"
#include "jail/jail.h"
#include "os/file.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define UNPACK_TIMEOUT_MS 120000

/* ---- names ------------------------------------------------------------------------------------------------------- */

static bool part_ok(struct str part)
{
    if (part.n > 255 || part.p[0] == '.')
        return false;
    for (size_t i = 0; i < part.n; i++)
        if ((uint8_t)part.p[i] < 0x20 || part.p[i] == 0x7f || part.p[i] == '\\')
            return false;
    return true;
}

int unpack_name(struct str name, char *ret)
{
    struct str part;
    size_t at = 0;
    unsigned depth = 0;
    if (name.n == 0 || name.n > UNPACK_NAME_MAX || name.p[0] == '/')
        return ERR_FORMAT;
    while (str_split(&name, '/', &part)) {
        if (part.n == 0 || str_eqz(part, "."))
            continue;
        if (!part_ok(part) || ++depth > UNPACK_DEPTH_MAX)
            return ERR_FORMAT;
        if (at)
            ret[at++] = '/';
        memcpy(ret + at, part.p, part.n);
        at += part.n;
    }
    ret[at] = '\0';
    return at ? 0 : ERR_FORMAT;
}

bool unpack_is_licence(struct str name)
{
    static const char *const begins[] = {"license", "licence", "copying", "notice"};
    for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++)
        if (str_istarts(name, str_from(begins[i])))
            return true;
    return false;
}

static bool pack_file(const char *name)
{
    return rulekind_file(name) || unpack_is_licence(str_from(name));
}

/* ---- in the jail ------------------------------------------------------------------------------------------------- */

/* ".." and absolute names: the archive was made to do harm. */
static bool name_is_hostile(const char *name)
{
    struct str rest = str_from(name), part;
    if (*name == '/')
        return true;
    while (str_split(&rest, '/', &part))
        if (str_eqz(part, ".."))
            return true;
    return false;
}

static int data_read(struct archive *a, struct buf *ret, struct err *e)
{
    const void *block;
    size_t n;
    la_int64_t offset;
    int r;
    while ((r = archive_read_data_block(a, &block, &n, &offset)) == ARCHIVE_OK) {
        if (offset < 0 || (uint64_t)offset > UNPACK_FILE_MAX || n > UNPACK_FILE_MAX - (size_t)offset)
            return err_set(e, ERR_LIMIT, "a file in the archive is larger than %u bytes", UNPACK_FILE_MAX);
        while (ret->len < (size_t)offset && buf_u8(ret, 0) == 0)
            ; /* a hole */
        buf_add(ret, block, n);
    }
    if (r != ARCHIVE_EOF)
        return err_set(e, ERR_FORMAT, "the archive is damaged: %s", archive_error_string(a));
    return ret->failed ? err_set(e, ret->failed, "a file in the archive is larger than %u bytes", UNPACK_FILE_MAX) : 0;
}

static int entry_take(struct archive *a, struct archive_entry *entry, bool (*wanted)(const char *), struct buf *ret,
                      struct unpack_stats *stats, struct err *e)
{
    const char *raw = archive_entry_pathname_utf8(entry);
    char name[UNPACK_NAME_MAX + 1];
    struct buf text;
    int rc;
    if (!raw)
        raw = archive_entry_pathname(entry);
    if (raw && name_is_hostile(raw))
        return err_set(e, ERR_FORMAT, "the archive holds the name '%.200s', which leads outside: refused", raw);
    if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) || archive_entry_symlink(entry)) {
        bool folder = archive_entry_filetype(entry) == AE_IFDIR;
        stats->links += !folder;
        stats->left_out += !folder;
        return 0;
    }
    if (!raw || unpack_name(str_from(raw), name) < 0 || !wanted(str_basename(str_from(name)).p)) {
        stats->left_out++;
        return 0;
    }
    buf_init(&text, UNPACK_FILE_MAX);
    rc = data_read(a, &text, e);
    if (rc == 0 && ++stats->kept > UNPACK_FILES_MAX)
        rc = err_set(e, ERR_LIMIT, "the archive holds more than %u files", UNPACK_FILES_MAX);
    if (rc == 0 && ruletexts_add(ret, &(struct ruletext){
                                          .kind = RULETEXT_NONE, .weight = 100, str_from(name), buf_str(&text)}) < 0)
        rc = err_set(e, ret->failed, "the archive holds more than %u bytes of files", UNPACK_TOTAL_MAX);
    buf_free(&text);
    return rc;
}

/* Only what libarchive does itself: no filter that would start another program. */
static void formats_choose(struct archive *a)
{
    archive_read_support_format_tar(a);
    archive_read_support_format_zip(a);
    archive_read_support_filter_gzip(a);
    archive_read_support_filter_xz(a);
    archive_read_support_filter_bzip2(a);
    archive_read_support_filter_zstd(a);
}

int unpack_archive(const void *p, size_t n, bool (*wanted)(const char *name), struct buf *ret,
                   struct unpack_stats *ret_stats, struct err *e)
{
    struct archive *a = archive_read_new();
    struct archive_entry *entry;
    struct unpack_stats stats = {0};
    unsigned entries = 0;
    int rc = a ? 0 : err_set(e, -ENOMEM, "no memory for the archive"), r = ARCHIVE_OK;
    if (!a)
        return rc;
    formats_choose(a);
    if (archive_read_open_memory(a, p, n) != ARCHIVE_OK)
        rc = err_set(e, ERR_FORMAT, "not an archive that can be unpacked: %s", archive_error_string(a));
    while (rc == 0 && (r = archive_read_next_header(a, &entry)) != ARCHIVE_EOF) {
        if (r < ARCHIVE_WARN)
            rc = err_set(e, ERR_FORMAT, entries ? "the archive is damaged: %s" : "not an archive: %s",
                         archive_error_string(a));
        else if (++entries > UNPACK_ENTRIES_MAX)
            rc = err_set(e, ERR_LIMIT, "the archive holds more than %u entries", UNPACK_ENTRIES_MAX);
        else
            rc = entry_take(a, entry, wanted, ret, &stats, e);
    }
    archive_read_free(a);
    if (rc == 0 && ret_stats)
        *ret_stats = stats;
    return rc;
}

/* ---- the role ---------------------------------------------------------------------------------------------------- */

enum unpack_message {
    UNPACK_BEGIN = 1, /* descriptors: archive, output */
    UNPACK_DONE = 2,  /* u32 kept, left out, links */
    UNPACK_FAILED = 3,
};

static int unpack_answer(struct ipc *parent, const struct ipc_message *m)
{
    struct buf archive = {0}, texts, answer;
    struct unpack_stats stats = {0};
    struct err e = {0};
    int rc;
    buf_init(&texts, UNPACK_TOTAL_MAX);
    buf_init(&answer, 4096);
    rc = file_read_fd(m->fds[0], UNPACK_ARCHIVE_MAX, &archive, &e);
    if (rc == 0)
        rc = unpack_archive(archive.data, archive.len, pack_file, &texts, &stats, &e);
    if (rc == 0 && file_write_all(m->fds[1], texts.data, texts.len) < 0)
        rc = err_set(&e, -EIO, "the unpacked files could not be handed over");
    if (rc == 0) {
        buf_u32le(&answer, stats.kept);
        buf_u32le(&answer, stats.left_out);
        buf_u32le(&answer, stats.links);
    } else {
        buf_addz(&answer, e.text);
    }
    rc = ipc_send(parent, rc == 0 ? UNPACK_DONE : UNPACK_FAILED, answer.data, answer.len, NULL, 0, NULL);
    buf_free(&archive);
    buf_free(&texts);
    buf_free(&answer);
    return rc < 0;
}

static int unpack_run(struct ipc *parent)
{
    struct ipc_message m;
    if (ipc_receive(parent, 10000, &m, NULL) != 1 || m.type != UNPACK_BEGIN || m.nfds != 2)
        return 2;
    return unpack_answer(parent, &m);
}

static const struct jail_profile unpack_jail = {
    .name = "unpack",
    .memory_max = 2ull << 30,
    .cpu_seconds = 100,
    .files_max = 16,
    .file_size_max = RULETEXTS_BYTES_MAX,
};

const struct role unpack_role = {
    .name = "unpack",
    .doc = "unpacks an archive of rules; names and texts go back, nothing is written",
    .jail = &unpack_jail,
    .run = unpack_run,
};

/* ---- the caller's side ------------------------------------------------------------------------------------------- */

static int answer_read(const struct ipc_message *m, struct unpack_stats *ret, struct err *e)
{
    struct reader r;
    reader_init(&r, m->payload, m->length);
    if (m->type == UNPACK_FAILED) {
        struct str why = reader_str(&r, reader_left(&r));
        return err_set(e, ERR_FORMAT, "%.*s", STR_ARG(why));
    }
    ret->kept = reader_u32le(&r);
    ret->left_out = reader_u32le(&r);
    ret->links = reader_u32le(&r);
    if (m->type != UNPACK_DONE || !reader_ok(&r))
        return err_set(e, ERR_PEER, "the process that unpacks answered something unexpected");
    return 0;
}

static int ask(struct role_process *p, int fd, int out, struct unpack_stats *ret, struct err *e)
{
    int fds[2] = {fd, out}, status, rc;
    struct ipc_message m;
    char how[128] = "ended without a word";
    if ((rc = ipc_send(p->ipc, UNPACK_BEGIN, NULL, 0, fds, 2, e)) < 0)
        return rc;
    rc = ipc_receive(p->ipc, UNPACK_TIMEOUT_MS, &m, e);
    if (rc == 1)
        return answer_read(&m, ret, e);
    if (rc == ERR_TIMEOUT)
        return err_set(e, ERR_PEER, "unpacking took longer than %d s and was stopped", UNPACK_TIMEOUT_MS / 1000);
    if (role_wait(p, 2000, &status) == 0)
        role_describe_status(status, how, sizeof(how));
    return err_set(e, ERR_PEER, "the process that unpacks %s on this archive", how);
}

int unpack_fd(int fd, struct buf *ret, struct unpack_stats *ret_stats, struct err *e)
{
    struct role_process p = {0};
    int out = memfd_create("unpacked", MFD_CLOEXEC), rc;
    if (out < 0)
        return err_errno(e, "cannot make a memory file");
    if ((rc = role_start(&unpack_role, &p, e)) == 0)
        rc = ask(&p, fd, out, ret_stats, e);
    role_stop(&p);
    if (rc == 0 && lseek(out, 0, SEEK_SET) < 0)
        rc = err_errno(e, "cannot read what was unpacked");
    if (rc == 0)
        rc = file_read_fd(out, RULETEXTS_BYTES_MAX, ret, e);
    close(out);
    return rc;
}
