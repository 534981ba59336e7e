/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * analysis/download (contract, section 7): one row per type. What a case has is
 * sent as it lies there or packed on the way; what it has not is said with the
 * sentence that clients know.
 */
#include "api/api.h"

#include "os/file.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ZIP_FILES_MAX 10000

struct download {
    const char *type;
    const char *source; /* below the case folder; "@sample"; NULL: not made yet */
    const char *extension, *content_type;
    bool zip; /* source is a folder that is packed */
    const char *password;
};

#define HTML "html", "text/html"
#define JSON "json", "application/json"
#define XML "xml", "application/xml"
#define ZIP "zip", "application/zip"
#define PCAP "pcap", "application/vnd.tcpdump.pcap"

static const struct download downloads[] = {
    {"html", "report.html", HTML, false, NULL},
    {"lighthtml", NULL, HTML, false, NULL},
    {"executive", NULL, HTML, false, NULL},
    {"classhtml", NULL, HTML, false, NULL},
    {"iochtml", NULL, HTML, false, NULL},
    {"pdf", NULL, "pdf", "application/pdf", false, NULL},
    {"pdfexecutive", NULL, "pdf", "application/pdf", false, NULL},
    {"xml", NULL, XML, false, NULL},
    {"lightxml", NULL, XML, false, NULL},
    {"classxml", NULL, XML, false, NULL},
    {"clusterxml", NULL, XML, false, NULL},
    {"irxml", NULL, XML, false, NULL},
    {"iocxml", NULL, XML, false, NULL},
    {"iocjson", NULL, JSON, false, NULL},
    {"json", NULL, JSON, false, NULL},
    {"lightjson", NULL, JSON, false, NULL},
    {"irjson", NULL, JSON, false, NULL},
    {"jsonfixed", NULL, JSON, false, NULL},
    {"lightjsonfixed", NULL, JSON, false, NULL},
    {"irjsonfixed", NULL, JSON, false, NULL},
    {"openioc", NULL, XML, false, NULL},
    {"maec", NULL, XML, false, NULL},
    {"misp", NULL, XML, false, NULL},
    {"stix", NULL, JSON, false, NULL},
    {"graphreports", NULL, ZIP, false, NULL},
    {"yara", NULL, ZIP, false, NULL},
    {"bins", "runs/1/dropped", ZIP, true, "infected"},
    {"unpackpe", NULL, ZIP, false, NULL},
    {"unpack", NULL, ZIP, false, NULL},
    {"ida", NULL, ZIP, false, NULL},
    {"memdumps", "runs/1/memory", ZIP, true, NULL},
    {"memstrings", NULL, ZIP, false, NULL},
    {"binstrings", NULL, ZIP, false, NULL},
    {"shoots", NULL, ZIP, false, NULL},
    {"pcap", "runs/1/traffic.pcap", PCAP, false, NULL},
    {"pcapslim", NULL, PCAP, false, NULL},
    {"pcapunified", NULL, PCAP, false, NULL},
    {"pcapsslinspection", NULL, PCAP, false, NULL},
    {"sample", "@sample", "bin", "application/octet-stream", false, NULL},
    {"cookbook", NULL, "txt", "text/plain", false, NULL},
};

struct found {
    char folder[256], sha256[65];
    int64_t id;
    bool finished;
};

static int keep(void *context, const struct analysis *a)
{
    struct found *f = context;
    f->id = a->id;
    f->finished = str_eqz(a->status, "finished");
    snprintf(f->folder, sizeof(f->folder), "%.*s", STR_ARG(a->folder));
    snprintf(f->sha256, sizeof(f->sha256), "%.*s", STR_ARG(a->sha256));
    return 0;
}

static const struct download *download_find(struct str type)
{
    for (size_t i = 0; i < sizeof(downloads) / sizeof(*downloads); i++)
        if (str_eqz(type, downloads[i].type))
            return &downloads[i];
    return NULL;
}

static int open_plain(const char *path, uint64_t *ret_size)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

    if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))) {
        close(fd);
        return -1;
    }
    if (fd >= 0)
        *ret_size = (uint64_t)st.st_size;
    return fd;
}

static int zip_add(struct archive *a, int dir, const char *name, struct err *e)
{
    struct archive_entry *entry = NULL;
    char block[65536];
    struct stat st;
    ssize_t n = 0;
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), r = 0;

    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        goto out; /* no plain file: not ours to pack */
    if (!(entry = archive_entry_new())) {
        r = err_set(e, -ENOMEM, "out of memory");
        goto out;
    }
    archive_entry_set_pathname(entry, name);
    archive_entry_set_size(entry, st.st_size);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0600);
    archive_entry_set_mtime(entry, st.st_mtime, 0);
    if (archive_write_header(a, entry) != ARCHIVE_OK)
        r = err_set(e, -EIO, "cannot pack %s: %s", name, archive_error_string(a));
    while (r == 0 && (n = read(fd, block, sizeof(block))) > 0)
        if (archive_write_data(a, block, (size_t)n) < 0)
            r = err_set(e, -EIO, "cannot pack %s: %s", name, archive_error_string(a));
out:
    archive_entry_free(entry);
    if (fd >= 0)
        close(fd);
    return r;
}

/* 1 and the descriptor of a zip without a name; 0 when the folder is not there or empty. */
static int zip_folder(const char *folder, const struct download *d, const char *upload_dir, int *ret_fd,
                      uint64_t *ret_size, struct err *e)
{
    DIR *dir = opendir(folder);
    struct archive *a = NULL;
    struct dirent *x;
    struct stat st;
    int fd = -1, r = 0;
    unsigned n = 0;

    if (!dir)
        return 0;
    fd = open(upload_dir, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
    if (fd < 0 || !(a = archive_write_new())) {
        r = fd < 0 ? err_errno(e, "no place for an archive") : err_set(e, -ENOMEM, "out of memory");
        goto out;
    }
    archive_write_set_format_zip(a);
    if (d->password && (archive_write_set_options(a, "zip:encryption=zipcrypt") != ARCHIVE_OK ||
                        archive_write_set_passphrase(a, d->password) != ARCHIVE_OK)) {
        r = err_set(e, ERR_UNSUPPORTED, "no encrypted archives: %s", archive_error_string(a));
        goto out;
    }
    if (archive_write_open_fd(a, fd) != ARCHIVE_OK) {
        r = err_set(e, -EIO, "cannot write an archive: %s", archive_error_string(a));
        goto out;
    }
    while (r == 0 && (x = readdir(dir)) && n < ZIP_FILES_MAX)
        if (x->d_name[0] != '.' && ++n)
            r = zip_add(a, dirfd(dir), x->d_name, e);
    if (r == 0 && archive_write_close(a) != ARCHIVE_OK)
        r = err_set(e, -EIO, "cannot write an archive: %s", archive_error_string(a));
    if (r == 0 && fstat(fd, &st) < 0)
        r = err_errno(e, "cannot read the archive");
    if (r == 0 && n) {
        *ret_fd = fd;
        *ret_size = (uint64_t)st.st_size;
        fd = -1;
        r = 1;
    }
out:
    archive_write_free(a);
    closedir(dir);
    if (fd >= 0)
        close(fd);
    return r;
}

int joe_analysis_download(struct http_request *q, struct err *e)
{
    const struct api *api = q->context;
    const struct str *type, *run;
    const struct download *d;
    struct found f = {0};
    struct store *s;
    struct viewer v;
    int64_t id;
    uint64_t n = 0;
    char *path = NULL;
    int r;

    if (!joe_enter(q, &s, &v, false) || !joe_id(q, "webid", &id))
        return 0;
    type = http_param(q, "type");
    run = http_param(q, "run");
    if (!type || type->n == 0)
        return joe_error(q, JOE_MISSING, 0, "The parameter type is missing.");
    if (!(d = download_find(*type)))
        return joe_error(q, JOE_INVALID, 0, "The parameter type is not one of the known types.");
    if (run && run->n && str_u64(*run, 10, &n) < 0)
        return joe_error(q, JOE_INVALID, 0, "The parameter run takes a number.");
    if ((r = analysis_get(s, &v, id, keep, &f, e)) < 0)
        return joe_failed(q, r, e);
    if (n > 0 || !d->source || !f.folder[0] || (!f.finished && strcmp(d->source, "@sample") != 0) ||
        (!strcmp(d->source, "@sample") && !f.sha256[0]))
        return joe_error(q, JOE_INVALID, 404, JOE_NO_RESOURCE);
    path = strcmp(d->source, "@sample") ? path_format("%s/cases/%s/%s", api->data_dir, f.folder, d->source)
                                        : path_format("%s/cases/%s/sample/%s", api->data_dir, f.folder, f.sha256);
    if (!path)
        return err_set(e, -ENOMEM, "out of memory");
    if (d->zip)
        r = zip_folder(path, d, api->upload_dir, &q->response.fd, &q->response.fd_size, e);
    else
        r = (q->response.fd = open_plain(path, &q->response.fd_size)) >= 0;
    free(path);
    if (r < 0)
        return joe_failed(q, r, e);
    if (r == 0)
        return joe_error(q, JOE_INVALID, 404, JOE_NO_RESOURCE);
    q->response.type = d->content_type;
    /* Clients cut one character behind the closing quote (contract, section 7). */
    http_header_add(q, "Content-Disposition", "attachment; filename=\"%s-%lld.%s\";",
                    d->extension[0] == 'h' || d->extension[0] == 'j' || d->extension[0] == 'x' ? "report" : d->type,
                    (long long)f.id, d->extension);
    return 0;
}
