/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Words for the numbers of an ELF file, as readelf prints them where it has one. */
#include "format/elf.h"

#include "base/jsonw.h"

#include <elf.h>
#include <stdio.h>

struct name {
    uint32_t value;
    const char *text;
};

#define FIND(table, value) find(table, sizeof(table) / sizeof(*(table)), value)

static const char *find(const struct name *t, size_t n, uint32_t value)
{
    for (size_t i = 0; i < n; i++)
        if (t[i].value == value)
            return t[i].text;
    return NULL;
}

const char *elf_machine_name(uint16_t machine)
{
    static const struct name t[] = {
        {EM_386, "Intel 80386"},
        {EM_X86_64, "Advanced Micro Devices X86-64"},
        {EM_ARM, "ARM"},
        {EM_AARCH64, "AArch64"},
        {EM_MIPS, "MIPS R3000"},
        {EM_PPC, "PowerPC"},
        {EM_PPC64, "PowerPC64"},
        {EM_RISCV, "RISC-V"},
        {EM_SPARC, "Sparc"},
        {EM_SPARCV9, "Sparc v9"},
        {EM_68K, "MC68000"},
        {EM_SH, "Renesas / SuperH SH"},
        {EM_S390, "IBM S/390"},
        {EM_IA_64, "Intel IA-64"},
        {EM_ALPHA, "Alpha"},
        {EM_BPF, "Linux BPF"},
        {258 /* EM_LOONGARCH */, "LoongArch"},
        {EM_ARC_COMPACT, "ARCompact"},
        {EM_XTENSA, "Tensilica Xtensa Processor"},
    };
    return FIND(t, machine);
}

const char *elf_machine_short(uint16_t machine, uint8_t bits, bool big)
{
    switch (machine) {
    case EM_386:
        return "i386";
    case EM_X86_64:
        return bits == 64 ? "x86_64" : "x32";
    case EM_ARM:
        return big ? "armeb" : "arm";
    case EM_AARCH64:
        return big ? "aarch64_be" : "aarch64";
    case EM_MIPS:
        return bits == 64 ? (big ? "mips64" : "mips64el") : (big ? "mips" : "mipsel");
    case EM_PPC:
        return "ppc";
    case EM_PPC64:
        return big ? "ppc64" : "ppc64le";
    case EM_RISCV:
        return bits == 64 ? "riscv64" : "riscv32";
    case EM_SPARC:
        return "sparc";
    case EM_68K:
        return "m68k";
    case EM_SH:
        return big ? "sh4eb" : "sh4";
    case EM_S390:
        return "s390x";
    default:
        return "unknown";
    }
}

const char *elf_type_name(uint16_t type)
{
    static const struct name t[] = {{ET_NONE, "NONE (None)"},
                                    {ET_REL, "REL (Relocatable file)"},
                                    {ET_EXEC, "EXEC (Executable file)"},
                                    {ET_DYN, "DYN (Shared object file)"},
                                    {ET_CORE, "CORE (Core file)"}};
    return FIND(t, type);
}

const char *elf_section_type_name(uint32_t type)
{
    static const struct name t[] = {
        {SHT_NULL, "NULL"},
        {SHT_PROGBITS, "PROGBITS"},
        {SHT_SYMTAB, "SYMTAB"},
        {SHT_STRTAB, "STRTAB"},
        {SHT_RELA, "RELA"},
        {SHT_HASH, "HASH"},
        {SHT_DYNAMIC, "DYNAMIC"},
        {SHT_NOTE, "NOTE"},
        {SHT_NOBITS, "NOBITS"},
        {SHT_REL, "REL"},
        {SHT_DYNSYM, "DYNSYM"},
        {SHT_INIT_ARRAY, "INIT_ARRAY"},
        {SHT_FINI_ARRAY, "FINI_ARRAY"},
        {SHT_PREINIT_ARRAY, "PREINIT_ARRAY"},
        {SHT_GROUP, "GROUP"},
        {SHT_GNU_HASH, "GNU_HASH"},
        {SHT_GNU_verdef, "VERDEF"},
        {SHT_GNU_verneed, "VERNEED"},
        {SHT_GNU_versym, "VERSYM"},
    };
    return FIND(t, type);
}

const char *elf_segment_type_name(uint32_t type)
{
    static const struct name t[] = {
        {PT_NULL, "NULL"},
        {PT_LOAD, "LOAD"},
        {PT_DYNAMIC, "DYNAMIC"},
        {PT_INTERP, "INTERP"},
        {PT_NOTE, "NOTE"},
        {PT_PHDR, "PHDR"},
        {PT_TLS, "TLS"},
        {PT_GNU_EH_FRAME, "GNU_EH_FRAME"},
        {PT_GNU_STACK, "GNU_STACK"},
        {PT_GNU_RELRO, "GNU_RELRO"},
        {PT_GNU_PROPERTY, "GNU_PROPERTY"},
    };
    return FIND(t, type);
}

const char *elf_osabi_name(uint8_t osabi)
{
    static const struct name t[] = {
        {ELFOSABI_SYSV, "UNIX - System V"}, {ELFOSABI_GNU, "UNIX - GNU"}, {ELFOSABI_FREEBSD, "UNIX - FreeBSD"},
        {ELFOSABI_NETBSD, "UNIX - NetBSD"}, {ELFOSABI_ARM, "ARM"},        {ELFOSABI_STANDALONE, "Standalone App"}};
    return FIND(t, osabi);
}

/* ---- JSON ------------------------------------------------------------------------------ */

static void name_or_number(struct jsonw *w, const char *key, const char *name, uint64_t number)
{
    char text[32];
    snprintf(text, sizeof(text), "0x%llx", (unsigned long long)number);
    jsonw_kz(w, key, name ? name : text);
}

static void hex(struct jsonw *w, const char *key, uint64_t v)
{
    name_or_number(w, key, NULL, v);
}

static void strings(struct jsonw *w, const char *key, const struct str *s, unsigned n)
{
    jsonw_karray(w, key);
    for (unsigned i = 0; i < n; i++)
        jsonw_bytes(w, s[i]);
    jsonw_array_end(w);
}

static void flags_text(struct jsonw *w, const char *key, uint64_t flags, const char *letters)
{
    char text[16];
    unsigned n = 0;
    for (unsigned i = 0; letters[i]; i++)
        if (flags & (1ull << i) && letters[i] != '-')
            text[n++] = letters[i];
    text[n] = '\0';
    jsonw_kz(w, key, text);
}

static void sections_json(struct jsonw *w, const struct elf *f)
{
    jsonw_karray(w, "sections");
    for (unsigned i = 0; i < f->nsections; i++) {
        const struct elf_section *s = &f->sections[i];
        jsonw_object(w);
        jsonw_kbytes(w, "name", s->name);
        name_or_number(w, "type", elf_section_type_name(s->type), s->type);
        flags_text(w, "flags", s->flags, "WAX-MSIL-GT");
        hex(w, "address", s->address);
        jsonw_ku64(w, "offset", s->offset);
        jsonw_ku64(w, "size", s->size);
        jsonw_key(w, "entropy");
        if (s->entropy < 0)
            jsonw_null(w);
        else
            jsonw_double(w, s->entropy);
        jsonw_object_end(w);
    }
    jsonw_array_end(w);
    jsonw_karray(w, "segments");
    for (unsigned i = 0; i < f->nsegments; i++) {
        const struct elf_segment *s = &f->segments[i];
        jsonw_object(w);
        name_or_number(w, "type", elf_segment_type_name(s->type), s->type);
        flags_text(w, "flags", s->flags, "XWR");
        hex(w, "address", s->address);
        jsonw_ku64(w, "offset", s->offset);
        jsonw_ku64(w, "file_size", s->file_size);
        jsonw_ku64(w, "memory_size", s->memory_size);
        jsonw_object_end(w);
    }
    jsonw_array_end(w);
}

void elf_json(struct jsonw *w, const struct elf *f)
{
    jsonw_object(w);
    jsonw_ku64(w, "bits", f->bits);
    jsonw_kz(w, "byte_order", f->big ? "big" : "little");
    name_or_number(w, "type", elf_type_name(f->type), f->type);
    name_or_number(w, "machine", elf_machine_name(f->machine), f->machine);
    jsonw_kz(w, "architecture", elf_machine_short(f->machine, f->bits, f->big));
    name_or_number(w, "osabi", elf_osabi_name(f->osabi), f->osabi);
    hex(w, "entry", f->entry);
    jsonw_kbytes(w, "entry_section", f->entry_section);
    jsonw_kbytes(w, "interpreter", f->interpreter);
    jsonw_key(w, "build_id");
    jsonw_hex(w, f->build_id.p, f->build_id.n);
    jsonw_kbytes(w, "soname", f->soname);
    jsonw_kbytes(w, "runpath", f->runpath);
    jsonw_kbytes(w, "comment", f->comment);
    jsonw_kbool(w, "static", f->is_static);
    jsonw_kbool(w, "stripped", f->stripped);
    jsonw_kbool(w, "executable_stack", f->executable_stack);
    jsonw_kbool(w, "writable_code", f->wx_segment);
    jsonw_kbool(w, "upx", f->packed_upx);
    jsonw_ku64(w, "overlay_offset", f->overlay_offset);
    jsonw_ku64(w, "overlay_size", f->overlay_size);
    strings(w, "needed", f->needed, f->nneeded);
    strings(w, "imports", f->imports, f->nimports);
    strings(w, "exports", f->exports, f->nexports);
    sections_json(w, f);
    jsonw_object_end(w);
}
