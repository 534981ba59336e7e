/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How fast Sigma is: the time to load and compile rules, what they cost in
 * memory, and events/s with the index and without it (every rule of the log
 * source, one after the other) over made-up events of Windows: process
 * creation, registry, files, network; some of them hit rules. The hits of both
 * must be the same.
 *
 * Rules: all below BELLJAR_SIGMAHQ (a folder, or the archive), else our own.
 *
 * bench-sigma [events]
 */
#include "detect/sigma/sigma-archive.h"
#include "detect/sigma/sigma.h"

#include "bench.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#ifndef BENCH_RULES
#define BENCH_RULES "content/sigma"
#endif

static void on_problem(void *context, const char *file, unsigned line, const char *reason)
{
    unsigned *n = context;
    if ((*n)++ < 20)
        printf("rejected: %s:%u: %s\n", file, line, reason);
}

/* ---- events -------------------------------------------------------------------------------------------------- */

enum kind { PROCESS, REGISTRY, FILES, NETWORK, KINDS };

static const char *const categories[KINDS] = {"process_creation", "registry_set", "file_event", "network_connection"};

#define FIELDS 12
struct sample {
    enum kind kind;
    unsigned n;
    const char *names[FIELDS];
    char values[FIELDS][320];
};

static const char *const images[] = {"C:\\Windows\\System32\\svchost.exe",
                                     "C:\\Windows\\System32\\cmd.exe",
                                     "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe",
                                     "C:\\Windows\\explorer.exe",
                                     "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
                                     "C:\\Windows\\System32\\rundll32.exe",
                                     "C:\\Windows\\System32\\conhost.exe",
                                     "C:\\Program Files\\Microsoft Office\\root\\Office16\\WINWORD.EXE",
                                     "C:\\Windows\\System32\\taskhostw.exe",
                                     "C:\\Users\\anna\\AppData\\Local\\Temp\\setup_3.exe",
                                     "C:\\Windows\\System32\\reg.exe",
                                     "C:\\Windows\\System32\\wbem\\WmiPrvSE.exe",
                                     "C:\\Program Files\\Git\\cmd\\git.exe",
                                     "C:\\Windows\\System32\\msiexec.exe",
                                     "C:\\Windows\\System32\\backgroundTaskHost.exe",
                                     "C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe"};
static const char *const commands[] = {
    "-k netsvcs -p -s Schedule",
    "/c dir C:\\Users\\anna\\Documents /s /b",
    "-NoProfile -ExecutionPolicy Bypass -File C:\\Scripts\\inventory.ps1 -Verbose",
    "--type=renderer --field-trial-handle=1720,i,1234567890 --lang=en-US --device-scale-factor=1 "
    "--num-raster-threads=4 "
    "--enable-main-frame-before-activation",
    "shell32.dll,Control_RunDLL intl.cpl,,/p:\"country\"",
    "0xffffffff -ForceV1",
    "/n \"C:\\Users\\anna\\Documents\\Quarterly report.docx\" /o \"\"",
    "add HKCU\\Software\\Example /v Last /t REG_SZ /d value /f",
    "status --porcelain --branch",
    "/i C:\\Users\\anna\\Downloads\\tool-5.3.msi /qn /norestart",
    "-ServerName:App.AppXc99k5qnnsvxj5szemm7fp3g7y08we5vm.mca",
    "--profile-directory=Default --no-startup-window /prefetch:5",
    "-Embedding",
    "/c ping -n 3 127.0.0.1 > nul & del C:\\Users\\anna\\AppData\\Local\\Temp\\setup_3.exe",
    "whoami /all",
    "-enc SQBFAFgAIAAoAE4AZQB3AC0ATwBiAGoAZQBjAHQAIABOAGUAdAAuAFcAZQBiAEMAbABpAGUAbgB0ACkA",
};

static void put(struct sample *s, const char *name, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void put(struct sample *s, const char *name, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    s->names[s->n] = name;
    vsnprintf(s->values[s->n], sizeof(s->values[s->n]), format, ap);
    va_end(ap);
    s->n++;
}

static void sample_make(struct sample *s)
{
    const char *image = images[bench_random(16)], *parent = images[bench_random(16)];
    unsigned dice = bench_random(10);
    *s = (struct sample){.kind = dice < 6 ? PROCESS : dice < 8 ? REGISTRY : dice < 9 ? FILES : NETWORK};
    put(s, "Image", "%s", image);
    put(s, "ProcessId", "%u", 1000 + bench_random(9000));
    put(s, "User", "%s", bench_random(3) ? "DESKTOP-7QK2\\anna" : "NT AUTHORITY\\SYSTEM");
    switch (s->kind) {
    case PROCESS:
        put(s, "CommandLine", "\"%s\" %s %u", image,
            commands[bench_random(64) ? bench_random(14) : 14 + bench_random(2)], bench_random(100000));
        put(s, "ParentImage", "%s", parent);
        put(s, "ParentCommandLine", "\"%s\" %s", parent, commands[bench_random(14)]);
        put(s, "CurrentDirectory", "C:\\Users\\anna\\Documents\\%u\\", bench_random(50));
        put(s, "OriginalFileName", "%s", strrchr(image, '\\') + 1);
        put(s, "Description", "Windows component %u", bench_random(40));
        put(s, "Company", "Microsoft Corporation");
        put(s, "IntegrityLevel", "%s", bench_random(4) ? "Medium" : "High");
        put(s, "Hashes", "MD5=%08X%08X%08X%08X,SHA256=%08X%08X%08X%08X%08X%08X%08X%08X,IMPHASH=%08X%08X%08X%08X",
            bench_random(~0u), bench_random(~0u), bench_random(~0u), bench_random(~0u), bench_random(~0u),
            bench_random(~0u), bench_random(~0u), bench_random(~0u), bench_random(~0u), bench_random(~0u),
            bench_random(~0u), bench_random(~0u), bench_random(~0u), bench_random(~0u), bench_random(~0u),
            bench_random(~0u));
        break;
    case REGISTRY:
        put(s, "TargetObject", "HKU\\S-1-5-21-1004336348-1177238915-682003330-1001\\SOFTWARE\\%s\\%u",
            bench_random(50) ? "Microsoft\\Windows\\CurrentVersion\\Explorer\\SessionInfo"
                             : "Microsoft\\Windows\\CurrentVersion\\Run",
            bench_random(500));
        put(s, "Details", "%s",
            bench_random(3) ? "DWORD (0x00000001)" : "C:\\Users\\anna\\AppData\\Local\\Temp\\x.exe");
        put(s, "EventType", "SetValue");
        break;
    case FILES:
        put(s, "TargetFilename", "C:\\Users\\anna\\AppData\\Local\\%s\\cache%u.%s",
            bench_random(2) ? "Google\\Chrome\\User Data\\Default" : "Temp", bench_random(100000),
            bench_random(40)  ? "tmp"
            : bench_random(2) ? "exe"
                              : "ps1");
        put(s, "CreationUtcTime", "2026-03-01 10:%02u:%02u.123", bench_random(60), bench_random(60));
        break;
    default:
        put(s, "DestinationIp", "%u.%u.%u.%u", 1 + bench_random(223), bench_random(256), bench_random(256),
            bench_random(256));
        put(s, "DestinationPort", "%u", bench_random(20) ? 443 : bench_random(65536));
        put(s, "DestinationHostname", "host%u.%s", bench_random(100), bench_random(30) ? "example.org" : "ngrok.io");
        put(s, "Initiated", "true");
        put(s, "Protocol", "tcp");
        break;
    }
}

/* ---- measuring ----------------------------------------------------------------------------------------------- */

struct hits {
    uint64_t count, hash;
};

static void on_match(void *context, const struct sigma_match *m)
{
    struct hits *h = context;
    h->count++;
    h->hash = (h->hash ^ (m->rule + m->event->index * 65537)) * 0x100000001b3u;
}

static int play(const struct sigma_rules *r, bool no_index, const struct sample *samples, size_t nsamples,
                size_t events, struct hits *hits, double *rate)
{
    struct sigma_engine *g;
    struct sigma_options o = {.no_index = no_index};
    uint32_t sources[KINDS];
    if (sigma_engine_new(r, &o, on_match, hits, &g) < 0)
        return -1;
    for (unsigned i = 0; i < KINDS; i++) {
        struct sigma_source s = {STR_LIT("windows"), str_from(categories[i]), STR_NONE};
        sigma_engine_source(g, &s, &sources[i]);
    }
    struct sigma_field *fields = calloc(nsamples * FIELDS, sizeof(*fields));
    if (!fields)
        return -1;
    for (size_t i = 0; i < nsamples; i++)
        for (unsigned k = 0; k < samples[i].n; k++)
            fields[i * FIELDS + k] = (struct sigma_field){sigma_engine_name(g, str_from(samples[i].names[k])),
                                                          {.kind = SIGMA_TEXT, .text = str_from(samples[i].values[k])}};
    double begin = bench_cpu();
    for (size_t i = 0; i < events; i++) {
        size_t k = i % nsamples;
        struct sigma_event ev = {.index = i, .time_ns = (int64_t)i * 1000000, .fields = fields + k * FIELDS};
        ev.nfields = samples[k].n;
        ev.sources[0] = sources[samples[k].kind];
        ev.nsources = 1;
        if (sigma_engine_event(g, &ev) < 0)
            return -1;
    }
    *rate = (double)events / (bench_cpu() - begin);
    sigma_engine_free(&g);
    free(fields);
    return 0;
}

static int measure(const char *dir, size_t events)
{
    struct sigma_rules *r;
    struct err e = {0};
    unsigned rejected = 0;
    long before = bench_memory_kib();
    double begin = bench_cpu();
    if (sigma_rules_new(&r) < 0)
        return 1;
    int n = sigma_archive_load(r, dir, on_problem, &rejected, &e);
    double loaded = bench_cpu();
    if (n < 0 || sigma_rules_compile(r, on_problem, &rejected, &e) < 0) {
        printf("%s\n", e.text);
        return 1;
    }
    double compiled = bench_cpu();
    printf("rules           %zu loaded, %u rejected\n", sigma_rules_count(r), rejected);
    printf("load            %.3f s (reading %.3f, compiling %.3f)\n", compiled - begin, loaded - begin,
           compiled - loaded);
    size_t nsamples = 4096;
    struct sample *samples = calloc(nsamples, sizeof(*samples));
    if (!samples)
        return 1;
    for (size_t i = 0; i < nsamples; i++)
        sample_make(&samples[i]);
    long rules = bench_memory_kib() - before - (long)(nsamples * sizeof(*samples) / 1024);
    struct hits on = {0}, off = {0}, part = {0};
    double fast, slow, ignored;
    size_t few = events / 20 < nsamples ? nsamples : events / 20;
    if (play(r, false, samples, nsamples, events, &on, &fast) < 0 ||
        play(r, true, samples, nsamples, few, &off, &slow) < 0 ||
        play(r, false, samples, nsamples, few, &part, &ignored) < 0)
        return 1;
    printf("memory          %.1f MiB for the rules, %.1f MiB in all\n", (double)rules / 1024,
           (double)bench_memory_kib() / 1024);
    printf("index on        %.0f events/s (%zu events, %llu hits)\n", fast, events, (unsigned long long)on.count);
    printf("index off       %.0f events/s (%zu events, %llu hits)\n", slow, few, (unsigned long long)off.count);
    printf("ratio           %.1f\n", fast / slow);
    bool same = off.count == part.count && off.hash == part.hash;
    printf("hits            %s\n", same ? "the same with and without the index" : "DIFFERENT");
    free(samples);
    sigma_rules_free(&r);
    return same ? 0 : 1;
}

int main(int argc, char **argv)
{
    const char *given = getenv("BELLJAR_SIGMAHQ");
    const char *dir = given && *given ? given : BENCH_RULES;
    size_t events = argc > 1 ? strtoul(argv[1], NULL, 10) : 400000;
    struct stat st;
    if (stat(dir, &st) < 0) {
        printf("no rules: set BELLJAR_SIGMAHQ to a folder or an archive of Sigma rules\n");
        return 0;
    }
    return measure(dir, events);
}
