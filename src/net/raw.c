/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/raw.h"

struct mark {
    const char *name;
    struct str start;
};

#define MARK(name, start) {name, {"" start, sizeof(start) - 1}}

static const struct mark tcp_marks[] = {
    MARK("ssh", "SSH-"),
    MARK("smtp", "EHLO "),
    MARK("smtp", "HELO "),
    MARK("irc", "NICK "),
    MARK("irc", "CAP LS"),
    MARK("irc", "PASS "),
    MARK("ftp", "USER anonymous"),
    MARK("rdp", "\x03\x00\x00"),
    MARK("bittorrent", "\x13"
                       "BitTorrent protocol"),
    MARK("redis", "*1\r\n$"),
    MARK("redis", "*2\r\n$"),
    MARK("redis", "*3\r\n$"),
    MARK("socks5", "\x05\x01\x00"),
    MARK("socks5", "\x05\x02\x00"),
    MARK("socks4", "\x04\x01"),
    MARK("rtsp", "DESCRIBE rtsp"),
    MARK("mqtt", "\x10"),
    MARK("adb", "CNXN"),
    MARK("git", "003"),
    MARK("memcached", "stats\r\n"),
    MARK("gnutella", "GNUTELLA CONNECT"),
    MARK("http2", "PRI * HTTP/2.0"),
};

/* Who listens where the server speaks first, and what it says. */
static const struct {
    uint16_t port;
    const char *name, *banner;
} servers[] = {
    {21, "ftp", "220 (vsFTPd 3.0.5)\r\n"},
    {22, "ssh", "SSH-2.0-OpenSSH_9.6p1 Ubuntu-3ubuntu13.5\r\n"},
    {2222, "ssh", "SSH-2.0-OpenSSH_9.6p1 Ubuntu-3ubuntu13.5\r\n"},
    {23, "telnet", "\xff\xfd\x18\xff\xfd\x20\xff\xfd\x23\xff\xfd\x27\r\nlogin: "},
    {2323, "telnet", "\xff\xfd\x18\xff\xfd\x20\xff\xfd\x23\xff\xfd\x27\r\nlogin: "},
    {25, "smtp", "220 mail.example.net ESMTP Postfix\r\n"},
    {587, "smtp", "220 mail.example.net ESMTP Postfix\r\n"},
    {110, "pop3", "+OK Dovecot ready.\r\n"},
    {143, "imap",
     "* OK [CAPABILITY IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+ STARTTLS AUTH=PLAIN] "
     "Dovecot ready.\r\n"},
    {119, "nntp", "200 news.example.net InterNetNews NNRP server ready\r\n"},
};

static bool is_smb(struct str s)
{
    return s.n >= 8 && s.p[0] == 0 && (memcmp(s.p + 4, "\xffSMB", 4) == 0 || memcmp(s.p + 4, "\xfeSMB", 4) == 0);
}

/* Miners speak JSON-RPC: one object with a method of their own per line. */
static bool is_stratum(struct str s)
{
    return s.n && s.p[0] == '{' && str_find(s, STR_LIT("\"method\"")) >= 0 &&
           (str_find(s, STR_LIT("mining.")) >= 0 || str_find(s, STR_LIT("\"login\"")) >= 0 ||
            str_find(s, STR_LIT("eth_submitLogin")) >= 0);
}

const char *raw_recognise_tcp(struct str first, uint16_t port)
{
    if (is_smb(first))
        return "smb";
    if (is_stratum(first))
        return "stratum";
    if (first.n >= 6 && first.p[0] == 0x16 && first.p[1] == 3 && first.p[5] == 1)
        return "tls";
    for (size_t i = 0; i < sizeof(tcp_marks) / sizeof(tcp_marks[0]); i++) {
        /* one-byte and three-digit marks are weak: only believed on their own ports */
        if ((!strcmp(tcp_marks[i].name, "mqtt") && port != 1883) || (!strcmp(tcp_marks[i].name, "git") && port != 9418))
            continue;
        if (str_starts(first, tcp_marks[i].start))
            return tcp_marks[i].name;
    }
    for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++)
        if (servers[i].port == port)
            return servers[i].name;
    return "raw";
}

struct str raw_banner(uint16_t port)
{
    for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++)
        if (servers[i].port == port)
            return str_from(servers[i].banner);
    return STR_NONE;
}

const char *raw_recognise_udp(struct str first, uint16_t port)
{
    static const struct {
        uint16_t port;
        const char *name;
    } ports[] = {{53, "dns"},          {67, "dhcp"},           {69, "tftp"},   {123, "ntp"},    {137, "netbios"},
                 {138, "netbios"},     {161, "snmp"},          {500, "ike"},   {514, "syslog"}, {1900, "ssdp"},
                 {3478, "stun"},       {3702, "ws-discovery"}, {5353, "mdns"}, {5355, "llmnr"}, {1194, "openvpn"},
                 {11211, "memcached"}, {51820, "wireguard"}};

    if (str_starts(first, STR_LIT("d1:ad2:id20:")) || str_starts(first, STR_LIT("d1:rd2:id20:")))
        return "bittorrent-dht";
    if (first.n >= 20 && memcmp(first.p + 4, "\x21\x12\xa4\x42", 4) == 0)
        return "stun";
    for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++)
        if (ports[i].port == port)
            return ports[i].name;
    /* QUIC long header (RFC 9000 17.2): form and fixed bit, then a known version */
    if (first.n >= 1200 && (first.p[0] & 0xc0) == 0xc0 && (memcmp(first.p + 1, "\0\0\0\1", 4) == 0 || port == 443))
        return "quic";
    return "udp";
}
