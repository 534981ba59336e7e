/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "triage/identify.h"

#define SNIFF 4096

static const struct signature {
    const char *magic;
    uint16_t size, offset;
    const char *type, *title;
} signatures[] = {
    {"\x7f"
     "ELF",
     4, 0, "elf", "an ELF file"},
    {"MZ", 2, 0, "pe", "a Windows or DOS program"},
    {"%PDF-", 5, 0, "pdf", "a PDF document"},
    {"PK\x03\x04", 4, 0, "zip", "a ZIP archive (or an Office document, APK or JAR)"},
    {"PK\x05\x06", 4, 0, "zip", "an empty ZIP archive"},
    {"Rar!\x1a\x07", 6, 0, "rar", "a RAR archive"},
    {"7z\xbc\xaf\x27\x1c", 6, 0, "7z", "a 7-Zip archive"},
    {"\x1f\x8b", 2, 0, "gzip", "a gzip archive"},
    {"BZh", 3, 0, "bzip2", "a bzip2 archive"},
    {"\xfd"
     "7zXZ",
     5, 0, "xz", "an xz archive"},
    {"\x28\xb5\x2f\xfd", 4, 0, "zstd", "a Zstandard archive"},
    {"MSCF", 4, 0, "cab", "a Windows cabinet"},
    {"ustar", 5, 257, "tar", "a tar archive"},
    {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8, 0, "ole", "an OLE document (Office, MSI)"},
    {"{\\rtf", 5, 0, "rtf", "an RTF document"},
    {"\xfe\xed\xfa\xce", 4, 0, "macho", "a Mach-O program"},
    {"\xfe\xed\xfa\xcf", 4, 0, "macho", "a Mach-O program"},
    {"\xce\xfa\xed\xfe", 4, 0, "macho", "a Mach-O program"},
    {"\xcf\xfa\xed\xfe", 4, 0, "macho", "a Mach-O program"},
    {"\xca\xfe\xba\xbe", 4, 0, "java", "a Java class or universal Mach-O file"},
    {"dex\n", 4, 0, "dex", "an Android DEX file"},
    {"L\0\0\0\x01\x14\x02\0", 8, 0, "lnk", "a Windows shortcut"},
    {"!<arch>\ndebian", 14, 0, "deb", "a Debian package"},
    {"!<arch>\n", 8, 0, "ar", "an ar archive"},
    {"\xed\xab\xee\xdb", 4, 0, "rpm", "an RPM package"},
    {"\x89PNG", 4, 0, "image", "a PNG picture"},
    {"\xff\xd8\xff", 3, 0, "image", "a JPEG picture"},
    {"GIF8", 4, 0, "image", "a GIF picture"},
};

static const struct extension {
    const char *end, *type, *title;
} extensions[] = {
    {".sh", "shell", "a shell script"},
    {".bash", "bash", "a bash script"},
    {".py", "python", "a Python script"},
    {".pl", "perl", "a Perl script"},
    {".awk", "awk", "an awk script"},
    {".ps1", "powershell", "a PowerShell script"},
    {".js", "javascript", "a JavaScript file"},
    {".vbs", "vbscript", "a VBScript file"},
    {".bat", "batch", "a Windows batch file"},
    {".html", "html", "an HTML page"},
    {".htm", "html", "an HTML page"},
    {".php", "php", "a PHP script"},
    {".eml", "mail", "an e-mail"},
};

static bool match(const struct reader *in, const char *magic, size_t n, uint64_t at)
{
    struct reader r;
    struct str s;

    if (!reader_window(in, at, n, &r))
        return false;
    s = reader_str(&r, n);
    return str_eq(s, (struct str){magic, n});
}

static bool is_text(const struct reader *in)
{
    struct reader r;
    size_t n = in->size < SNIFF ? in->size : SNIFF, odd = 0;
    struct str s;

    if (!reader_window(in, 0, n, &r))
        return false;
    s = reader_str(&r, n);
    if (n >= 2 && ((s.p[0] == '\xff' && s.p[1] == '\xfe') || (s.p[0] == '\xfe' && s.p[1] == '\xff')))
        return true;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == 0)
            return false;
        odd += c < 0x20 && c != '\n' && c != '\r' && c != '\t' && c != '\f' && c != 0x1b;
    }
    return odd * 50 <= n;
}

static struct str interpreter_of(const struct reader *in)
{
    struct reader r;
    size_t n = in->size < 256 ? in->size : 256; /* BINPRM_BUF_SIZE of Linux */
    struct str line, rest;

    if (!reader_window(in, 0, n, &r))
        return STR_NONE;
    rest = reader_str(&r, n);
    if (!str_starts(rest, STR_LIT("#!")) || !str_split(&rest, '\n', &line))
        return STR_NONE;
    return str_trim(str_sub(line, 2, line.n));
}

/* A text without any mark: does it speak like a shell? Few words, tested at the starts of its first lines. */
static bool looks_like_shell(const struct reader *in)
{
    static const char *const words[] = {"cd ",    "export ",  "wget ",  "curl ", "chmod ", "rm ",    "echo ",
                                        "if [",   "for ",     "while ", "cp ",   "mv ",    "mkdir ", "set -",
                                        "nohup ", "busybox ", "/bin/",  "sudo ", "kill"};
    struct reader r;
    size_t n = in->size < SNIFF ? in->size : SNIFF;
    struct str rest, line;
    unsigned hits = 0, lines = 0;

    if (!reader_window(in, 0, n, &r))
        return false;
    rest = reader_str(&r, n);
    while (lines < 40 && str_split(&rest, '\n', &line)) {
        line = str_trim(line);
        if (!line.n)
            continue;
        lines++;
        for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
            hits += str_starts(line, str_from(words[i]));
    }
    return hits && hits * 4 >= lines;
}

void identify(const struct reader *in, struct str name, struct identity *ret)
{
    *ret = (struct identity){.type = "data", .title = "binary data of a kind that is not known"};
    if (!in->size) {
        *ret = (struct identity){.type = "empty", .title = "an empty file"};
        return;
    }
    for (size_t i = 0; i < sizeof(signatures) / sizeof(*signatures); i++)
        if (match(in, signatures[i].magic, signatures[i].size, signatures[i].offset)) {
            ret->type = signatures[i].type;
            ret->title = signatures[i].title;
            return;
        }
    ret->interpreter = interpreter_of(in);
    ret->text = is_text(in);
    if (ret->interpreter.n) {
        ret->type = "script";
        ret->title = "a script";
        return;
    }
    if (!ret->text)
        return;
    for (size_t i = 0; i < sizeof(extensions) / sizeof(*extensions); i++)
        if (str_iends(name, str_from(extensions[i].end))) {
            ret->type = extensions[i].type;
            ret->title = extensions[i].title;
            return;
        }
    if (looks_like_shell(in)) {
        ret->type = "shell";
        ret->title = "a shell script without a #! line";
        return;
    }
    ret->type = "text";
    ret->title = "a text";
}
