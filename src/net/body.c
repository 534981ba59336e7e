/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/body.h"

#include "net/frame.h"

/* CRC-32 of ISO 3309, as in zip, gzip and PNG; bit by bit, for these few bytes. */
static uint32_t crc32_bytes(const void *p, size_t n)
{
    uint32_t crc = ~0u;

    for (size_t i = 0; i < n; i++) {
        crc ^= ((const uint8_t *)p)[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

static const char page[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>Welcome</title></head>\n"
    "<body><h1>It works!</h1><p>This is the default page of this server.</p></body>\n</html>\n";

/* ---- images: 1 x 1 pixels ---- */

static const uint8_t gif[] = {'G',  'I', 'F', '8', '9',  'a',  1, 0, 1, 0,    0x80, 0, 0,    0xff, 0xff,
                              0xff, 0,   0,   0,   0x21, 0xf9, 4, 1, 0, 0,    0,    0, 0x2c, 0,    0,
                              0,    0,   1,   0,   1,    0,    0, 2, 2, 0x44, 1,    0, 0x3b};

static void png_chunk(struct buf *b, const char *name, const uint8_t *p, size_t n)
{
    buf_u32be(b, (uint32_t)n);
    size_t at = b->len;
    buf_add(b, name, 4);
    buf_add(b, p, n);
    if (!b->failed)
        buf_u32be(b, crc32_bytes(b->data + at, b->len - at));
}

static void make_png(struct buf *b)
{
    static const uint8_t header[13] = {0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0};
    /* zlib (RFC 1950) with one stored block: filter byte 0, one white grey pixel; Adler-32 of both. */
    static const uint8_t data[] = {0x78, 0x01, 1, 2, 0, 0xfd, 0xff, 0x00, 0xff, 0x01, 0x01, 0x01, 0x00};

    buf_add(b, "\x89PNG\r\n\x1a\n", 8);
    png_chunk(b, "IHDR", header, sizeof(header));
    png_chunk(b, "IDAT", data, sizeof(data));
    png_chunk(b, "IEND", NULL, 0);
}

static void jpeg_segment(struct buf *b, uint8_t marker, const uint8_t *p, size_t n)
{
    buf_u8(b, 0xff);
    buf_u8(b, marker);
    buf_u16be(b, (uint16_t)(n + 2));
    buf_add(b, p, n);
}

/* Baseline, one grey 8 x 8 block (ITU T.81): DC difference 0, end of block. */
static void make_jpeg(struct buf *b)
{
    static const uint8_t app0[] = {'J', 'F', 'I', 'F', 0, 1, 1, 0, 0, 1, 0, 1, 0, 0};
    static const uint8_t frame[] = {8, 0, 1, 0, 1, 1, 1, 0x11, 0};
    static const uint8_t dc[] = {0x00, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    static const uint8_t ac[] = {0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    static const uint8_t scan[] = {1, 1, 0, 0, 63, 0};
    uint8_t quant[65] = {0};

    memset(quant + 1, 1, 64);
    buf_add(b, "\xff\xd8", 2);
    jpeg_segment(b, 0xe0, app0, sizeof(app0));
    jpeg_segment(b, 0xdb, quant, sizeof(quant));
    jpeg_segment(b, 0xc0, frame, sizeof(frame));
    jpeg_segment(b, 0xc4, dc, sizeof(dc));
    jpeg_segment(b, 0xc4, ac, sizeof(ac));
    jpeg_segment(b, 0xda, scan, sizeof(scan));
    buf_u8(b, 0x3f); /* code 0 (DC size 0), code 0 (end of block), padded with ones */
    buf_add(b, "\xff\xd9", 2);
}

/* ---- archives with one small text file ---- */

static const char readme[] = "Nothing to see here.\n";

static void make_zip(struct buf *b)
{
    const char *name = "readme.txt";
    uint32_t crc = crc32_bytes(readme, sizeof(readme) - 1), size = sizeof(readme) - 1;
    uint16_t name_n = (uint16_t)strlen(name);

    buf_u32le(b, 0x04034b50);
    buf_u16le(b, 10);
    buf_u16le(b, 0);
    buf_u16le(b, 0);
    buf_u32le(b, 0x58210000); /* 2024-01-01 00:00 */
    buf_u32le(b, crc);
    buf_u32le(b, size);
    buf_u32le(b, size);
    buf_u16le(b, name_n);
    buf_u16le(b, 0);
    buf_addz(b, name);
    buf_add(b, readme, size);
    uint32_t directory = (uint32_t)b->len;
    buf_u32le(b, 0x02014b50);
    buf_u16le(b, 0x0314);
    buf_u16le(b, 10);
    buf_u32le(b, 0);
    buf_u32le(b, 0x58210000);
    buf_u32le(b, crc);
    buf_u32le(b, size);
    buf_u32le(b, size);
    buf_u16le(b, name_n);
    buf_u32le(b, 0);
    buf_u32le(b, 0);
    buf_u32le(b, 0x81a40000);
    buf_u32le(b, 0);
    buf_addz(b, name);
    uint32_t end = (uint32_t)b->len;
    buf_u32le(b, 0x06054b50);
    buf_u32le(b, 0);
    buf_u16le(b, 1);
    buf_u16le(b, 1);
    buf_u32le(b, end - directory);
    buf_u32le(b, directory);
    buf_u16le(b, 0);
}

/* ustar (POSIX.1): one member, two zero blocks. */
static void make_tar(struct buf *b)
{
    uint8_t h[512] = {0}, block[512] = {0};
    unsigned sum = 0;
    char octal[24];
    struct buf text;

    memcpy(h, "readme.txt", 10);
    memcpy(h + 100, "0000644\0000000000\0000000000", 24);
    buf_init(&text, sizeof(octal));
    buf_addf(&text, "%011o", (unsigned)(sizeof(readme) - 1));
    memcpy(h + 124, buf_z(&text), 11);
    memcpy(h + 136, "14544370200", 11);
    memset(h + 148, ' ', 8);
    h[156] = '0';
    memcpy(h + 257, "ustar\00000", 8);
    for (size_t i = 0; i < sizeof(h); i++)
        sum += h[i];
    buf_clear(&text);
    buf_addf(&text, "%06o", sum);
    memcpy(h + 148, buf_z(&text), 7);
    buf_free(&text);
    memcpy(block, readme, sizeof(readme) - 1);
    buf_add(b, h, sizeof(h));
    buf_add(b, block, sizeof(block));
    memset(block, 0, sizeof(block));
    buf_add(b, block, sizeof(block));
    buf_add(b, block, sizeof(block));
}

/* gzip (RFC 1952) with stored blocks. n below 65,536. */
static void make_gzip(struct buf *b, const void *p, size_t n)
{
    buf_add(b, "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", 10);
    buf_u8(b, 1);
    buf_u16le(b, (uint16_t)n);
    buf_u16le(b, (uint16_t)~n);
    buf_add(b, p, n);
    buf_u32le(b, crc32_bytes(p, n));
    buf_u32le(b, (uint32_t)n);
}

static void make_targz(struct buf *b)
{
    struct buf tar;

    buf_init(&tar, BODY_MAX);
    make_tar(&tar);
    make_gzip(b, tar.data, tar.len);
    buf_free(&tar);
}

/* ---- programs ---- */

struct machine {
    const char *words; /* ';' between; first hit in the table wins */
    uint16_t e_machine;
    uint8_t bits, big;
    uint32_t flags;
    uint8_t code_n;
    uint8_t code[16];
};

/* exit(0) by each architecture's system call convention (syscall(2)). ELF machine numbers: gABI registry. */
static const struct machine machines[] = {
    {"aarch64;arm64", 183, 64, 0, 0, 12, {0, 0, 0x80, 0xd2, 0xa8, 0x0b, 0x80, 0xd2, 1, 0, 0, 0xd4}},
    {"arm", 40, 32, 0, 0x05000200, 12, {0, 0, 0xa0, 0xe3, 1, 0x70, 0xa0, 0xe3, 0, 0, 0, 0xef}},
    {"mipsel;mpsl;mipsle", 8, 32, 0, 0x1000, 12, {0xa1, 0x0f, 2, 0x24, 0, 0, 4, 0x24, 0x0c, 0, 0, 0}},
    {"mips", 8, 32, 1, 0x1000, 12, {0x24, 2, 0x0f, 0xa1, 0x24, 4, 0, 0, 0, 0, 0, 0x0c}},
    {"powerpc;ppc", 20, 32, 1, 0, 12, {0x38, 0, 0, 1, 0x38, 0x60, 0, 0, 0x44, 0, 0, 2}},
    {"riscv64;riscv", 243, 64, 0, 0, 12, {0x93, 0x08, 0xd0, 0x05, 0x13, 5, 0, 0, 0x73, 0, 0, 0}},
    {"x86_64;x64;amd64", 62, 64, 0, 0, 9, {0x31, 0xff, 0xb8, 0x3c, 0, 0, 0, 0x0f, 0x05}},
    {"i686;i586;i486;i386;x86;x32", 3, 32, 0, 0, 9, {0x31, 0xdb, 0xb8, 1, 0, 0, 0, 0xcd, 0x80}},
    {"", 62, 64, 0, 0, 9, {0x31, 0xff, 0xb8, 0x3c, 0, 0, 0, 0x0f, 0x05}},
};

/* By architecture only: NULL when the name holds no such word. */
static const struct machine *machine_named(struct str name)
{
    for (size_t i = 0; machines[i].words[0]; i++) {
        struct str words = str_from(machines[i].words), word;
        while (str_split(&words, ';', &word))
            if (str_ifind(name, word) >= 0)
                return &machines[i];
    }
    return NULL;
}

static void elf_number(struct buf *b, const struct machine *m, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        buf_u8(b, (uint8_t)(v >> 8 * (m->big ? bytes - 1 - i : i)));
}

void body_elf(struct str name, struct buf *ret)
{
    const struct machine *m = machine_named(name);

    if (!m)
        m = &machines[sizeof(machines) / sizeof(machines[0]) - 1];
    unsigned word = m->bits / 8;
    uint64_t base = m->bits == 64 ? 0x400000 : 0x10000, header = m->bits == 64 ? 64 : 52,
             segment = m->bits == 64 ? 56 : 32, size = header + segment + m->code_n;
    const uint8_t ident[16] = {0x7f, 'E', 'L', 'F', m->bits == 64 ? 2 : 1, m->big ? 2 : 1, 1};
    buf_add(ret, ident, 16);
    elf_number(ret, m, 2, 2); /* ET_EXEC */
    elf_number(ret, m, m->e_machine, 2);
    elf_number(ret, m, 1, 4);
    elf_number(ret, m, base + header + segment, word);
    elf_number(ret, m, header, word);
    elf_number(ret, m, 0, word);
    elf_number(ret, m, m->flags, 4);
    elf_number(ret, m, header, 2);
    elf_number(ret, m, segment, 2);
    elf_number(ret, m, 1, 2);
    elf_number(ret, m, 0, 6);
    elf_number(ret, m, 1, 4); /* PT_LOAD */
    if (m->bits == 64)
        elf_number(ret, m, 5, 4);
    elf_number(ret, m, 0, word);
    elf_number(ret, m, base, word);
    elf_number(ret, m, base, word);
    elf_number(ret, m, size, word);
    elf_number(ret, m, size, word);
    if (m->bits == 32)
        elf_number(ret, m, 5, 4);
    elf_number(ret, m, 0x10000, word);
    buf_add(ret, m->code, m->code_n);
}

static void pad_to(struct buf *b, size_t n)
{
    static const uint8_t zeros[512];

    while (b->len < n && !b->failed)
        buf_add(b, zeros, n - b->len < sizeof(zeros) ? n - b->len : sizeof(zeros));
}

/* PE32, one section, entry "xor eax, eax; ret" (Microsoft's PE format, "Optional Header"). */
void body_pe(struct buf *ret)
{
    static const uint8_t dos[] = {'M', 'Z', 0x90, 0, 3, 0, 0, 0, 4, 0, 0, 0, 0xff, 0xff};
    size_t start = ret->len;

    buf_add(ret, dos, sizeof(dos));
    pad_to(ret, start + 60);
    buf_u32le(ret, 64);
    buf_add(ret, "PE\0\0", 4);
    buf_u16le(ret, 0x14c);
    buf_u16le(ret, 1);
    buf_u32le(ret, 0x65920080);
    buf_u64le(ret, 0);
    buf_u16le(ret, 224);
    buf_u16le(ret, 0x103); /* executable, 32 bits, relocations stripped */
    buf_u16le(ret, 0x10b);
    buf_u16le(ret, 14);
    buf_u32le(ret, 512); /* code */
    buf_u64le(ret, 0);
    buf_u32le(ret, 0x1000); /* entry */
    buf_u32le(ret, 0x1000);
    buf_u32le(ret, 0x1000);
    buf_u32le(ret, 0x400000);
    buf_u32le(ret, 0x1000);
    buf_u32le(ret, 512);
    buf_u32le(ret, 6);
    buf_u32le(ret, 0);
    buf_u32le(ret, 6);
    buf_u32le(ret, 0);
    buf_u32le(ret, 0x2000); /* image */
    buf_u32le(ret, 512);
    buf_u32le(ret, 0);
    buf_u16le(ret, 3); /* console */
    buf_u16le(ret, 0x100);
    buf_u32le(ret, 0x100000);
    buf_u32le(ret, 0x1000);
    buf_u32le(ret, 0x100000);
    buf_u32le(ret, 0x1000);
    buf_u32le(ret, 0);
    buf_u32le(ret, 16);
    pad_to(ret, start + 64 + 24 + 224);
    buf_add(ret, ".text\0\0\0", 8);
    buf_u32le(ret, 3);
    buf_u32le(ret, 0x1000);
    buf_u32le(ret, 512);
    buf_u32le(ret, 512);
    buf_u64le(ret, 0);
    buf_u32le(ret, 0);
    buf_u32le(ret, 0x60000020);
    pad_to(ret, start + 512);
    buf_add(ret, "\x31\xc0\xc3", 3);
    pad_to(ret, start + 1024);
}

/* ---- which one ---- */

static void make_page(struct buf *b)
{
    buf_addz(b, page);
}

static void make_text(struct buf *b)
{
    buf_addz(b, "ok\n");
}

static void make_script(struct buf *b)
{
    buf_addz(b, "#!/bin/sh\nexit 0\n");
}

static void make_python(struct buf *b)
{
    buf_addz(b, "import sys\nsys.exit(0)\n");
}

static void make_perl(struct buf *b)
{
    buf_addz(b, "#!/usr/bin/perl\nexit 0;\n");
}

static void make_batch(struct buf *b)
{
    buf_addz(b, "@echo off\r\nexit /b 0\r\n");
}

static void make_json(struct buf *b)
{
    buf_addz(b, "{\"status\":\"ok\"}\n");
}

static void make_xml(struct buf *b)
{
    buf_addz(b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<root/>\n");
}

static void make_javascript(struct buf *b)
{
    buf_addz(b, "void 0;\n");
}

static void make_css(struct buf *b)
{
    buf_addz(b, "body{margin:0}\n");
}

static void make_gif(struct buf *b)
{
    buf_add(b, gif, sizeof(gif));
}

static void make_readme_gzip(struct buf *b)
{
    make_gzip(b, readme, sizeof(readme) - 1);
}

static void make_elf(struct buf *b)
{
    body_elf(STR_NONE, b);
}

static void make_pdf(struct buf *b)
{
    size_t at[4];
    static const char *const objects[3] = {"<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>",
                                           "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>"};

    buf_addz(b, "%PDF-1.4\n");
    for (int i = 0; i < 3; i++) {
        at[i] = b->len;
        buf_addf(b, "%d 0 obj\n%s\nendobj\n", i + 1, objects[i]);
    }
    at[3] = b->len;
    buf_addz(b, "xref\n0 4\n0000000000 65535 f \n");
    for (int i = 0; i < 3; i++)
        buf_addf(b, "%010zu 00000 n \n", at[i]);
    buf_addf(b, "trailer\n<</Size 4/Root 1 0 R>>\nstartxref\n%zu\n%%%%EOF\n", at[3]);
}

static const struct {
    const char *endings; /* of the path, ';' between */
    const char *type;
    void (*make)(struct buf *b);
} kinds[] = {
    {".tar.gz;.tgz", "application/gzip", make_targz},
    {".gz", "application/gzip", make_readme_gzip},
    {".tar", "application/x-tar", make_tar},
    {".zip;.jar;.apk", "application/zip", make_zip},
    {".sh;.bash;.ksh", "application/x-sh", make_script},
    {".py", "text/x-python", make_python},
    {".pl", "text/x-perl", make_perl},
    {".bat;.cmd", "application/octet-stream", make_batch},
    {".txt;.log;.md;.csv;.ini;.conf;.cfg;.dat", "text/plain; charset=utf-8", make_text},
    {".html;.htm;.php;.asp;.aspx;.jsp;.cgi", "text/html; charset=utf-8", make_page},
    {".js;.mjs", "application/javascript", make_javascript},
    {".css", "text/css", make_css},
    {".json", "application/json", make_json},
    {".xml", "application/xml", make_xml},
    {".png", "image/png", make_png},
    {".gif", "image/gif", make_gif},
    {".jpg;.jpeg", "image/jpeg", make_jpeg},
    {".pdf", "application/pdf", make_pdf},
    {".exe;.dll;.scr;.msi", "application/x-msdownload", body_pe},
    {".elf;.bin;.so;.out;.run", "application/octet-stream", make_elf},
};

/* Where systems and browsers look whether the network is captive, and what they want to see. */
static const struct {
    const char *host, *path; /* path NULL: any */
    unsigned status;
    const char *type, *text;
} checks[] = {
    {"connectivitycheck.gstatic.com", NULL, 204, NULL, ""},
    {"connectivitycheck.android.com", NULL, 204, NULL, ""},
    {"clients3.google.com", "/generate_204", 204, NULL, ""},
    {"www.gstatic.com", "/generate_204", 204, NULL, ""},
    {"www.google.com", "/gen_204", 204, NULL, ""},
    {"connectivity-check.ubuntu.com", NULL, 204, NULL, ""},
    {"network-test.debian.org", "/nm", 200, "text/plain", "NetworkManager is online\n"},
    {"nmcheck.gnome.org", "/check_network_status.txt", 200, "text/plain", "NetworkManager is online\n"},
    {"fedoraproject.org", "/static/hotspot.txt", 200, "text/plain", "OK\n"},
    {"detectportal.firefox.com", "/success.txt", 200, "text/plain", "success\n"},
    {"detectportal.firefox.com", "/canonical.html", 200, "text/html",
     "<meta http-equiv=\"refresh\" content=\"0;url=https://support.mozilla.org/kb/captive-portal\"/>"},
    {"captive.apple.com", NULL, 200, "text/html",
     "<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>\n"},
    {"www.msftncsi.com", "/ncsi.txt", 200, "text/plain", "Microsoft NCSI"},
    {"www.msftconnecttest.com", "/connecttest.txt", 200, "text/plain", "Microsoft Connect Test"},
    {"ipv6.msftconnecttest.com", "/connecttest.txt", 200, "text/plain", "Microsoft Connect Test"},
};

/* Services that tell callers their address; NULL path: any. Json where the path or query says so. */
static const struct {
    const char *host, *path;
} echoes[] = {
    {"ifconfig.me", NULL},
    {"icanhazip.com", NULL},
    {"ipv4.icanhazip.com", NULL},
    {"api.ipify.org", NULL},
    {"api4.ipify.org", NULL},
    {"ipify.org", NULL},
    {"ifconfig.co", NULL},
    {"ident.me", NULL},
    {"v4.ident.me", NULL},
    {"ipecho.net", "/plain"},
    {"ipinfo.io", NULL},
    {"ip-api.com", NULL},
    {"checkip.amazonaws.com", NULL},
    {"checkip.dyndns.org", NULL},
    {"wtfismyip.com", NULL},
    {"myexternalip.com", NULL},
    {"ip.sb", NULL},
    {"api.ip.sb", NULL},
    {"ifcfg.me", NULL},
    {"whatismyip.akamai.com", NULL},
    {"api.myip.com", NULL},
    {"ip.42.pl", NULL},
    {"curlmyip.net", NULL},
    {"eth0.me", NULL},
    {"ipapi.co", NULL},
    {"httpbin.org", "/ip"},
    {"bot.whatismyipaddress.com", NULL},
};

static bool same_host(struct str host, const char *known)
{
    struct str k = str_from(known);

    if (str_istarts(host, STR_LIT("www.")) && !str_istarts(k, STR_LIT("www.")))
        host = str_sub(host, 4, host.n);
    return str_ieq(host, k);
}

static const char *address_body(const struct body_request *q, struct buf *b)
{
    char ip[FRAME_IP_TEXT];
    bool json = str_ifind(q->path, STR_LIT("json")) >= 0 || str_ifind(q->query, STR_LIT("json")) >= 0 ||
                str_ieq(q->host, STR_LIT("api.myip.com")) || str_ieq(q->host, STR_LIT("httpbin.org")) ||
                str_ifind(q->accept, STR_LIT("application/json")) >= 0;

    frame_ip_text(q->own_address, ip);
    if (same_host(q->host, "checkip.dyndns.org")) {
        buf_addf(b, "<html><head><title>Current IP Check</title></head><body>Current IP Address: %s</body></html>\r\n",
                 ip);
        return "text/html";
    }
    if (same_host(q->host, "ip-api.com") && json) {
        buf_addf(b,
                 "{\"status\":\"success\",\"country\":\"Germany\",\"countryCode\":\"DE\",\"region\":\"BE\","
                 "\"regionName\":\"Land Berlin\",\"city\":\"Berlin\",\"zip\":\"10115\",\"lat\":52.5196,\"lon\":13.4069,"
                 "\"timezone\":\"Europe/Berlin\",\"isp\":\"Deutsche Telekom AG\",\"query\":\"%s\"}",
                 ip);
        return "application/json; charset=utf-8";
    }
    if (json) {
        buf_addf(b, same_host(q->host, "httpbin.org") ? "{\n  \"origin\": \"%s\"\n}\n" : "{\"ip\":\"%s\"}", ip);
        return "application/json";
    }
    /* ipify gives the bare address, the others a line */
    buf_addf(b, str_iends(q->host, STR_LIT("ipify.org")) ? "%s" : "%s\n", ip);
    return "text/plain; charset=utf-8";
}

static bool ends_with_one(struct str path, const char *endings)
{
    struct str all = str_from(endings), one;

    while (str_split(&all, ';', &one))
        if (str_iends(path, one))
            return true;
    return false;
}

static bool has_extension(struct str name)
{
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] == '.')
            return true;
    return false;
}

unsigned body_make(const struct body_request *q, struct buf *ret, const char **ret_type)
{
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
        if (str_ieq(q->host, str_from(checks[i].host)) && (!checks[i].path || str_eqz(q->path, checks[i].path))) {
            buf_addz(ret, checks[i].text);
            *ret_type = checks[i].type;
            return checks[i].status;
        }
    for (size_t i = 0; i < sizeof(echoes) / sizeof(echoes[0]); i++)
        if (same_host(q->host, echoes[i].host) && (!echoes[i].path || str_eqz(q->path, echoes[i].path))) {
            *ret_type = address_body(q, ret);
            return 200;
        }
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (ends_with_one(q->path, kinds[i].endings)) {
            *ret_type = kinds[i].type;
            if (kinds[i].make == make_elf)
                body_elf(str_basename(q->path), ret);
            else
                kinds[i].make(ret);
            return 200;
        }
    struct str name = str_basename(q->path);
    /* "bot.arm7", "/bins/mips", "xmrig_x86_64": the ending is the architecture */
    if (machine_named(name) && (has_extension(name) || str_ifind(q->path, STR_LIT("bin")) >= 0)) {
        body_elf(name, ret);
        *ret_type = "application/octet-stream";
        return 200;
    }
    if (str_istarts(q->accept, STR_LIT("application/json"))) {
        make_json(ret);
        *ret_type = "application/json";
    } else if (str_istarts(q->accept, STR_LIT("image/"))) {
        make_png(ret);
        *ret_type = "image/png";
    } else {
        make_page(ret);
        *ret_type = "text/html; charset=utf-8";
    }
    return 200;
}
