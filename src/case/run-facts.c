/* SPDX-License-Identifier: GPL-3.0-or-later */
/* run.json: what the runner knows about a run when it is over. */
#include "case/runner-private.h"

#include "base/jsonw.h"
#include "os/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* The agent's log (256 KiB) may consist of bytes that JSON writes as six. */
#define JSON_MAX (4u << 20)

static void write_started(struct jsonw *w, const struct runner *r)
{
    char stamp[40] = "";
    time_t s = (time_t)(r->start_real / 1000000000u);
    struct tm tm;

    if (r->start_real && gmtime_r(&s, &tm))
        strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &tm);
    jsonw_kz(w, "started_at", *stamp ? stamp : NULL);
    jsonw_kbool(w, "started", r->started);
    jsonw_ku64(w, "root_pid", r->root_pid);
    if (r->o->plan->guest_path)
        jsonw_kbytes(w, "sample_path", str_from(r->o->plan->guest_path));
    else
        jsonw_kz(w, "sample_path", NULL);
    jsonw_ku64(w, "planned_ms", r->o->plan->seconds * 1000ull);
    jsonw_ku64(w, "ran_ms", r->ran_ms);
    jsonw_kz(w, "ended", r->ended);
    jsonw_kz(w, "ended_text", r->ended_text);
    jsonw_kbool(w, "sample_ended", r->session_status.sample_ended);
    jsonw_ki64(w, "exit_code", r->session_status.exit_code);
    jsonw_ku64(w, "exit_signal", r->session_status.exit_signal);
}

static void write_machine(struct jsonw *w, const struct runner *r)
{
    char mac[18];

    snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", r->mac[0], r->mac[1], r->mac[2], r->mac[3], r->mac[4],
             r->mac[5]);
    jsonw_kobject(w, "machine");
    jsonw_kz(w, "kind", "qemu");
    jsonw_kz(w, "accel", r->o->snapshot->accel);
    jsonw_kz(w, "image", r->o->image->name);
    jsonw_kz(w, "image_hash", r->o->image->hash);
    jsonw_kz(w, "title", r->o->image->title);
    jsonw_kz(w, "hostname", r->hostname);
    jsonw_kz(w, "mac", mac);
    jsonw_kz(w, "machine_id", r->machine_id);
    jsonw_ku64(w, "private_bytes", r->private_bytes);
    jsonw_kbool(w, "alive_at_end", !r->machine_gone);
    jsonw_object_end(w);
}

static void write_channel(struct jsonw *w, const struct runner *r)
{
    const struct session_status *s = &r->session_status;

    jsonw_kobject(w, "channel");
    jsonw_kz(w, "tracer", r->tracer);
    jsonw_ku64(w, "tracer_events", s->guest_events);
    jsonw_ku64(w, "tracer_lost", s->guest_lost);
    jsonw_ku64(w, "garbage_bytes", s->garbage_bytes);
    jsonw_ku64(w, "missed_frames", s->missed_frames);
    jsonw_ku64(w, "bad_batches", s->bad_batches);
    jsonw_ku64(w, "bytes_in", s->bytes_in);
    jsonw_kbool(w, "collected", !r->collect_failed && !r->machine_gone && s->done);
    jsonw_object_end(w);
    jsonw_kobject(w, "clock");
    jsonw_kbool(w, "known", r->clock_known);
    jsonw_ku64(w, "error_us", r->clock_error_ns / 1000);
    jsonw_object_end(w);
    jsonw_kobject(w, "network");
    jsonw_kz(w, "mode", "simulated");
    jsonw_kbool(w, "intact", !r->net_failed);
    jsonw_ku64(w, "frames_in", r->net_status.frames_in);
    jsonw_ku64(w, "frames_out", r->net_status.frames_out);
    jsonw_ku64(w, "dropped", r->net_status.dropped_frames);
    jsonw_ku64(w, "lost", r->net_status.lost);
    jsonw_ku64(w, "pcap_bytes", r->net_status.pcap_bytes);
    jsonw_object_end(w);
}

static void write_artefacts(struct jsonw *w, const struct runner *r)
{
    jsonw_kobject(w, "artefacts");
    jsonw_ku64(w, "files", r->captures);
    jsonw_ku64(w, "file_bytes", r->capture_bytes);
    jsonw_ku64(w, "files_failed", r->captures_failed);
    jsonw_ku64(w, "dumps", r->dumps);
    jsonw_ku64(w, "dump_bytes", r->dump_bytes);
    jsonw_ku64(w, "output_bytes", r->output_total);
    jsonw_object_end(w);
    jsonw_kobject(w, "log");
    jsonw_ku64(w, "events", r->log_status.events);
    jsonw_kz(w, "error", r->failed < 0 ? r->error.text : NULL);
    jsonw_object_end(w);
    jsonw_kbytes(w, "agent_log", buf_str(&r->agent_log));
}

int runner_write_facts(const struct runner *r, struct err *e)
{
    char *path = path_join(r->o->run_dir, "run.json");
    struct buf b;
    struct jsonw w;
    int x;

    buf_init(&b, JSON_MAX);
    jsonw_to_buf(&w, &b, true);
    jsonw_object(&w);
    write_started(&w, r);
    write_machine(&w, r);
    write_channel(&w, r);
    write_artefacts(&w, r);
    jsonw_object_end(&w);
    x = jsonw_finish(&w);
    if (x < 0 || !path)
        x = err_set(e, x < 0 ? x : -ENOMEM, "cannot write run.json");
    else
        x = file_write_atomic(path, b.data, b.len, 0600, e);
    buf_free(&b);
    free(path);
    return x;
}
