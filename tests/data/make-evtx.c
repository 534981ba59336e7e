/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * make-evtx FILE [COUNT]: writes an event log with the usual kinds of Windows
 * events, one after the other; some of them are what our test rules look for.
 * Nothing in it comes from a real machine.
 */
#include "evtx-make.h"

#include <stdio.h>
#include <stdlib.h>

#define FIELDS(...)                                                                                                    \
    (const struct evtx_make_field[])                                                                                   \
    {                                                                                                                  \
        __VA_ARGS__                                                                                                    \
    }
#define COUNT(...) (sizeof((const struct evtx_make_field[]){__VA_ARGS__}) / sizeof(struct evtx_make_field))
#define EVENT(...) EVENT_OF(__VA_ARGS__)
#define EVENT_OF(p, c, i, ...)                                                                                         \
    {.provider = (p), .channel = (c), .id = (i), .fields = FIELDS(__VA_ARGS__), .nfields = COUNT(__VA_ARGS__)}
#define SYSMON "Microsoft-Windows-Sysmon", "Microsoft-Windows-Sysmon/Operational"
#define SECURITY "Microsoft-Windows-Security-Auditing", "Security"

static const struct evtx_make_event events[] = {
    EVENT(SYSMON, 1, {"RuleName", "-"}, {"UtcTime", "2024-12-30 02:40:00.000"},
          {"ProcessGuid", .value = {0x0f, "0123456789abcdef", 16}}, {"ProcessId", .value = {0x08, "\x10\x20\0\0", 4}},
          {"Image", "C:\\Windows\\System32\\whoami.exe"}, {"OriginalFileName", "whoami.exe"},
          {"CommandLine", "whoami /all"}, {"User", "TEST\\someone"},
          {"Hashes", "MD5=00112233445566778899AABBCCDDEEFF,SHA256="
                     "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F,IMPHASH="
                     "FFEEDDCCBBAA99887766554433221100"},
          {"ParentImage", "C:\\Windows\\System32\\cmd.exe"}, {"ParentCommandLine", "cmd.exe /c whoami /all"}),
    EVENT(SYSMON, 13, {"EventType", "SetValue"}, {"Image", "C:\\Windows\\regedit.exe"},
          {"TargetObject", "HKU\\S-1-5-21-1\\Software\\Microsoft\\Windows\\CurrentVersion\\Run\\thing"},
          {"Details", "C:\\Users\\Public\\thing.exe"}),
    EVENT(SYSMON, 22, {"Image", "C:\\Program Files\\app\\app.exe"}, {"QueryName", "update.example.invalid"},
          {"QueryStatus", "0"}, {"QueryResults", "192.0.2.7;"}),
    EVENT(SECURITY, 4688, {"SubjectUserSid", .value = {0x13, "\1\1\0\0\0\0\0\5\x12\0\0\0", 12}},
          {"SubjectUserName", "HOST$"}, {"SubjectDomainName", "TEST"},
          {"NewProcessId", .value = {0x15, "\x44\x0d\0\0\0\0\0\0", 8}},
          {"NewProcessName", "C:\\Windows\\System32\\net.exe"}, {"CommandLine", "net user intruder /add"},
          {"ParentProcessName", "C:\\Windows\\explorer.exe"}, {"TokenElevationType", "%%1936"}),
    EVENT(SECURITY, 4625, {"TargetUserName", "admin"}, {"LogonType", .value = {0x08, "\x03\0\0\0", 4}},
          {"IpAddress", "198.51.100.9"}, {"Status", .value = {0x14, "\x6d\0\0\xc0", 4}}),
    EVENT("Microsoft-Windows-PowerShell", "Microsoft-Windows-PowerShell/Operational", 4104,
          {"MessageNumber", .value = {0x07, "\1\0\0\0", 4}}, {"MessageTotal", .value = {0x07, "\1\0\0\0", 4}},
          {"ScriptBlockText", "Get-ChildItem | Where-Object { $_.Length -gt 10 }"}, {"Path", ""}),
    EVENT("PowerShell", "Windows PowerShell", 400, {NULL, "Available"}, {NULL, "None"},
          {NULL, "\tNewEngineState=Available\r\n\tHostName=ConsoleHost\r\n\tHostApplication=powershell -enc AAAA\r\n"}),
    EVENT("Service Control Manager", "System", 7045, {"ServiceName", "thing"}, {"ImagePath", "%SystemRoot%\\thing.exe"},
          {"ServiceType", "user mode service"}, {"StartType", "auto start"}, {"AccountName", "LocalSystem"}),
    {.provider = "Microsoft-Windows-PrintService",
     .channel = "Microsoft-Windows-PrintService/Operational",
     .id = 316,
     .user_data = "DriverAdded",
     .fields = FIELDS({"Param1", "Test printer"}, {"Param2", "Windows x64"}),
     .nfields = 2},
};

int main(int argc, char **argv)
{
    unsigned long count = argc > 2 ? strtoul(argv[2], NULL, 10) : sizeof(events) / sizeof(*events);
    struct evtx_make *m = malloc(sizeof(*m));
    struct buf b;
    FILE *f;
    int r;

    if (argc < 2 || !m) {
        fprintf(stderr, "usage: make-evtx FILE [COUNT]\n");
        return 2;
    }
    evtx_make_begin(m);
    for (unsigned long i = 0; i < count; i++)
        evtx_make_add(m, &events[i % (sizeof(events) / sizeof(*events))]);
    evtx_make_end(m, &b);
    f = fopen(argv[1], "wb");
    r = !f || fwrite(b.data, 1, b.len, f) != b.len || fclose(f) != 0;
    if (r)
        perror(argv[1]);
    buf_free(&b);
    free(m);
    return r;
}
