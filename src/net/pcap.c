/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/pcap.h"

#include "base/buf.h"
#include "base/err.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define PCAP_BUFFER (256u << 10)
#define PCAP_FLUSH (64u << 10)

struct pcap {
    int fd;
    uint64_t max, pending_frames;
    struct buf out;
    struct pcap_status status;
};

/* Ends writing; what was buffered but did not get into the file counts as left out. */
static void give_up(struct pcap *p, int code)
{
    if (!p->status.error)
        p->status.error = code;
    p->status.frames -= p->pending_frames;
    p->status.left_out += p->pending_frames;
    p->pending_frames = 0;
    buf_clear(&p->out);
}

void pcap_flush(struct pcap *p)
{
    size_t done = 0;

    while (done < p->out.len) {
        ssize_t n = write(p->fd, p->out.data + done, p->out.len - done);
        if (n > 0) {
            done += (size_t)n;
            continue;
        }
        if (n < 0 && errno == EINTR)
            continue;
        int code = n < 0 ? -errno : -EIO;
        /* Cut back to the last whole flush, so that no half record stays behind. Where even that fails,
           readers see a cut last record, which they survive. */
        if (done && ftruncate(p->fd, (off_t)p->status.bytes) < 0)
            p->status.bytes += done;
        give_up(p, code);
        return;
    }
    p->status.bytes += p->out.len;
    p->pending_frames = 0;
    buf_clear(&p->out);
}

int pcap_new(int fd, uint64_t bytes_max, struct pcap **ret)
{
    struct pcap *p = calloc(1, sizeof(*p));

    if (!p)
        return -ENOMEM;
    p->fd = -1;
    p->max = bytes_max;
    buf_init(&p->out, PCAP_BUFFER);
    buf_u32le(&p->out, 0xa1b23c4d);
    buf_u16le(&p->out, 2);
    buf_u16le(&p->out, 4);
    buf_u64le(&p->out, 0);
    buf_u32le(&p->out, PCAP_SNAPLEN);
    buf_u32le(&p->out, 1);
    int failed = p->out.failed;
    if (!failed)
        failed = buf_reserve(&p->out, PCAP_BUFFER / 2);
    if (failed) {
        buf_free(&p->out);
        free(p);
        return failed;
    }
    p->fd = fd;
    pcap_flush(p);
    *ret = p;
    return 0;
}

void pcap_free(struct pcap **pp)
{
    struct pcap *p = *pp;

    if (!p)
        return;
    pcap_flush(p);
    close(p->fd);
    buf_free(&p->out);
    free(p);
    *pp = NULL;
}

void pcap_add(struct pcap *p, int64_t real_ns, const void *frame, size_t n)
{
    size_t keep = n > PCAP_SNAPLEN ? PCAP_SNAPLEN : n;

    if (!p->status.error && p->status.bytes + p->out.len + 16 + keep > p->max) {
        pcap_flush(p);
        give_up(p, ERR_LIMIT);
    }
    if (p->status.error) {
        p->status.left_out++;
        return;
    }
    buf_u32le(&p->out, (uint32_t)(real_ns / 1000000000));
    buf_u32le(&p->out, (uint32_t)(real_ns % 1000000000));
    buf_u32le(&p->out, (uint32_t)keep);
    buf_u32le(&p->out, (uint32_t)n);
    buf_add(&p->out, frame, keep);
    p->status.frames++;
    p->pending_frames++;
    if (p->out.len >= PCAP_FLUSH)
        pcap_flush(p);
}

const struct pcap_status *pcap_get_status(const struct pcap *p)
{
    return &p->status;
}
