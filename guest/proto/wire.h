/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The wire between host and guest: frames over any byte stream (virtio-serial,
 * TCP, a socket pair in tests). Freestanding C: no allocation, no libc beyond
 * memcpy/memset, so that agents for every system share it.
 *
 * A frame: 32 bytes of header, then `length` bytes of payload, little endian.
 *
 *   0  u32 magic      "BJF1"
 *   4  u8  type       enum wire_type
 *   5  u8  flags      0
 *   6  u16 check      low 16 bits of SipHash-2-4 over bytes 0-5 and 8-31, keyed: lets a receiver tell a forged
 *                     header (and its length) before it waits for a payload
 *   8  u32 length     of the payload, at most WIRE_PAYLOAD_MAX
 *  12  u32 sequence   per direction, from 1
 *  16  u64 tag        SipHash-2-4 over bytes 0-5, 8-15, 24-31 and the payload, keyed
 *  24  u64 time       sender's CLOCK_BOOTTIME in ns (guest) or 0 (host)
 *
 * Until WIRE_HELLO the key is WIRE_BOOT_KEY (all zero: a plain checksum);
 * WIRE_HELLO carries the session's key, and everything after it in both
 * directions uses that, with sequences from 1 again; WIRE_HELLO itself has
 * sequence 1 and the boot key. A sequence below the expected one is a replay
 * and counts as garbage. A program inside the guest that writes to the port
 * without the key produces bytes that do not authenticate: the receiver skips
 * to the next magic that does, counts the bytes, and the host makes a
 * run.channel event of it.
 */
#ifndef BELLJAR_PROTO_WIRE_H
#define BELLJAR_PROTO_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_MAGIC 0x31464a42u /* "BJF1" */
#define WIRE_HEADER 32
#define WIRE_PAYLOAD_MAX (1u << 20)
#define WIRE_VERSION 1
#define WIRE_CAPTURE_CHUNK (256u << 10) /* what agents put into one capture or file frame at the most */

extern const uint8_t WIRE_BOOT_KEY[16];

enum wire_type {
    /* host to guest */
    WIRE_HELLO = 1,      /* u32 version; u8 key[16]; u64 realtime ns; str hostname; str machine_id (32 hex); u8 mac[6];
                            the agent sets clock, names and MAC, then answers WIRE_READY */
    WIRE_FILE_BEGIN = 2, /* u32 id; str path (absolute, or a bare name that goes into the start directory); u32 mode;
                            str owner user; u64 size */
    WIRE_FILE_DATA = 3,  /* u32 id; bytes */
    WIRE_FILE_END = 4,   /* u32 id; u8 sha256[32]; answered by WIRE_RESULT */
    WIRE_START = 5,      /* see struct wire_start in wire.c's encoder: user, cwd, argc, argv..., envc, env..., options;
                            answered by WIRE_RESULT */
    WIRE_FINISH = 6,     /* collect: sweeps, dumps, counters; then WIRE_DONE. u32 budget ms */
    WIRE_PING = 7,       /* bytes; echoed as WIRE_PONG */
    WIRE_FREEZE = 8, /* (template only) get ready for the snapshot: sync, drop caches, answer WIRE_FROZEN, then wait for
                        WIRE_HELLO */
    WIRE_RUN = 9, /* administrator's command for tests and image checks: str shell command; output in WIRE_OUTPUT, then
                     WIRE_RESULT. Refused once a sample runs */
    /* guest to host */
    WIRE_BOOTED = 32, /* u32 version; str kernel; str agent build id: once at boot */
    WIRE_FROZEN = 33,
    WIRE_READY = 34, /* answer to HELLO: u64 boottime ns, str tracer state ("ok" or what is missing) */
    WIRE_PONG = 35,
    WIRE_RESULT = 36,  /* u32 type answered; i32 code (0 or -errno; -ESRCH: no such user in the guest); str text; for
                          WIRE_START also u32 pid, u64 start  boottime ns */
    WIRE_EVENTS = 37,  /* a batch of events, see event wire below */
    WIRE_CAPTURE = 38, /* u32 id; u8 phase (0 begin, 1 data, 2 end); begin: u8 kind (1 file, 2 memory), u64 size, str
                          name; data: bytes; end: u8 sha256[32], u8 truncated */
    WIRE_STATUS = 39, /* once per second: u64 uptime ns; u64 tracer events; u64 tracer lost; u32 alive sample processes;
                         u64 queued bytes */
    WIRE_OUTPUT = 40, /* u8 stream (1 stdout, 2 stderr); bytes of the sample's (or WIRE_RUN's) output, capped */
    WIRE_DONE = 41,   /* answer to FINISH: u32 flags (1 = budget exceeded); final counters as in STATUS */
    WIRE_LOG = 42,    /* str: agent's own trouble, for the run's log */
    WIRE_EXITED = 43, /* the last process of the sample ended (sent once; nothing is left alive): i32 exit code of the
                         first process, u32 signal */
};

/*
 * Event batch payload:
 *   u8 source; varint base_time (boottime ns); varint first_seq; varint lost_total; then records until the end:
 *   varint kind; zigzag time - previous time (the first against base_time); varint pid; varint tid; varint count;
 *   then `count` fields by the schema's order and type: U64 HEX BOOL NS varint, I64 zigzag, STR TEXT varint length +
 * bytes. An unknown kind cannot be skipped: the receiver drops the rest of the batch and counts it as lost.
 */

struct wire_header {
    uint8_t type;
    uint32_t length, sequence;
    uint64_t tag, time;
};

/* Fills a 32-byte header for the payload (tag computed). */
void wire_header_write(uint8_t out[WIRE_HEADER], uint8_t type, uint32_t sequence, uint64_t time, const void *payload,
                       uint32_t length, const uint8_t key[16]);
/* False when magic, flags or length are impossible. Does not check `check` and tag. */
bool wire_header_read(const uint8_t in[WIRE_HEADER], struct wire_header *ret);
bool wire_check_ok(const uint8_t in[WIRE_HEADER], const uint8_t key[16]);
bool wire_tag_ok(const uint8_t in[WIRE_HEADER], const void *payload, const uint8_t key[16]);

/*
 * Reassembly with re-synchronisation. The caller owns `space` (at least
 * WIRE_HEADER + WIRE_PAYLOAD_MAX bytes). Feed bytes; take frames.
 */
struct wire_in {
    uint8_t *space;
    size_t size, have;
    uint8_t key[16];
    uint32_t next_sequence; /* expected */
    uint64_t garbage_bytes; /* thrown away while looking for a frame that authenticates */
    uint64_t missed;        /* frames whose sequence numbers never came */
    size_t taken;           /* private */
};
void wire_in_init(struct wire_in *w, void *space, size_t size);
/* After WIRE_HELLO: the session's key, and what number comes next. Bytes that are there already are judged by it. */
void wire_in_rekey(struct wire_in *w, const uint8_t key[16], uint32_t next_sequence);
/* Where to read new bytes to, and how many fit. */
uint8_t *wire_in_room(struct wire_in *w, size_t *ret_room);
void wire_in_added(struct wire_in *w, size_t n);
/* 1: a frame; *payload is valid until the next wire_in_* call. 0: more bytes needed. */
int wire_in_next(struct wire_in *w, struct wire_header *ret, const uint8_t **payload);

/* A bounded writer and reader for payloads (freestanding twins of base/buf and base/reader). */
struct wire_put {
    uint8_t *p;
    size_t cap, len;
    bool failed;
};
void wire_put_u8(struct wire_put *w, uint8_t v);
void wire_put_u32(struct wire_put *w, uint32_t v);
void wire_put_u64(struct wire_put *w, uint64_t v);
void wire_put_varint(struct wire_put *w, uint64_t v);
void wire_put_zigzag(struct wire_put *w, int64_t v);
void wire_put_bytes(struct wire_put *w, const void *p, size_t n);
void wire_put_str(struct wire_put *w, const void *p, size_t n); /* varint length + bytes */

struct wire_get {
    const uint8_t *p;
    size_t n, pos;
    bool failed;
};
uint8_t wire_get_u8(struct wire_get *r);
uint32_t wire_get_u32(struct wire_get *r);
uint64_t wire_get_u64(struct wire_get *r);
uint64_t wire_get_varint(struct wire_get *r);
int64_t wire_get_zigzag(struct wire_get *r);
const uint8_t *wire_get_bytes(struct wire_get *r, size_t n); /* NULL on failure */
const char *wire_get_str(struct wire_get *r, size_t *ret_n); /* not NUL-terminated */

/* WIRE_START options */
enum {
    WIRE_START_SHELL = 1,     /* argv[0] is a shell command line (--command) */
    WIRE_START_KEEP_NAME = 2, /* reserved */
};
/*
 * WIRE_START payload: u32 options; str user ("" = root); str cwd ("" = home);
 * str path of the program ("" = argv[0] is a shell line); varint argc, str...; varint envc, str "NAME=value"...;
 * u64 capture limit per file; u64 capture limit total; u64 memory dump limit total; u32 flags reserved.
 */

#endif
