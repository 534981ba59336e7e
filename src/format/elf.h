/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ELF, read to be described, not to be run: whatever is there is told, and
 * whatever is odd becomes an anomaly. All processors, 32 and 64 bit, both byte
 * orders. Source: System V ABI, chapters 4 and 5 (gabi 4.1) and the Linux
 * additions in elf(5).
 */
#ifndef BELLJAR_FORMAT_ELF_H
#define BELLJAR_FORMAT_ELF_H

#include "base/arena.h"
#include "base/reader.h"
#include "format/anomaly.h"

#define ELF_SECTIONS_MAX 4096
#define ELF_SEGMENTS_MAX 1024
#define ELF_NEEDED_MAX 256
#define ELF_SYMBOLS_MAX 4096 /* imported and exported names kept */

struct elf_section {
    struct str name;
    uint32_t type;
    uint64_t flags, address, offset, size;
    double entropy; /* of its bytes in the file, -1 when it has none */
};
struct elf_segment {
    uint32_t type, flags;
    uint64_t offset, address, file_size, memory_size;
};
struct elf {
    uint8_t bits; /* 32, 64 */
    bool big;
    uint8_t osabi;
    uint16_t type, machine;
    uint32_t flags;
    uint64_t entry;
    struct str interpreter, build_id, soname, runpath, comment;
    struct str needed[ELF_NEEDED_MAX];
    unsigned nneeded;
    struct elf_section *sections;
    unsigned nsections;
    struct elf_segment *segments;
    unsigned nsegments;
    struct str *imports, *exports;
    unsigned nimports, nexports;
    bool stripped, is_static, executable_stack, wx_segment, packed_upx;
    uint64_t overlay_offset, overlay_size; /* bytes behind everything the headers name */
    struct str entry_section;
    struct anomalies anomalies;
};

/* Everything borrowed from the input or in the arena. ERR_FORMAT only when it is no ELF at all (magic, class). */
int elf_parse(struct reader *in, struct arena *a, struct elf *ret, struct err *e);
const char *elf_machine_name(uint16_t machine); /* "Advanced Micro Devices X86-64" ...: readelf's words; NULL unknown */
const char *elf_machine_short(uint16_t machine, uint8_t bits,
                              bool big);  /* "x86_64", "i386", "arm", "mipsel", ...; "unknown" */
const char *elf_type_name(uint16_t type); /* "EXEC (Executable file)" as readelf prints it */
const char *elf_section_type_name(uint32_t type);
const char *elf_segment_type_name(uint32_t type);
const char *elf_osabi_name(uint8_t osabi);

struct jsonw;
void elf_json(struct jsonw *w, const struct elf *f);

#endif
