/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/elf.h"

#include "base/entropy.h"

#include <elf.h>
#include <errno.h>

struct parser {
    struct reader *in;
    struct arena *arena;
    struct elf *f;
    uint64_t phoff, shoff;
    uint16_t phentsize, phnum, shentsize, shnum, shstrndx;
    uint64_t end; /* highest offset that a header names */
};

static uint64_t word(struct reader *r, const struct elf *f)
{
    return f->bits == 64 ? reader_u64e(r) : reader_u32e(r);
}

static void reach(struct parser *p, uint64_t offset, uint64_t size)
{
    uint64_t end = offset + size;
    if (end >= offset && end > p->end)
        p->end = end;
}

static int parse_header(struct parser *p, struct err *e)
{
    struct reader *r = p->in;
    struct elf *f = p->f;
    const uint8_t *id = reader_bytes(r, EI_NIDENT);

    if (!id || memcmp(id, ELFMAG, SELFMAG) != 0)
        return err_set(e, ERR_FORMAT, "no ELF file: its first bytes are not 7f 45 4c 46");
    if (id[EI_CLASS] != ELFCLASS32 && id[EI_CLASS] != ELFCLASS64)
        return err_set(e, ERR_FORMAT, "ELF class %u at offset 4 is neither 32 nor 64 bit", id[EI_CLASS]);
    f->bits = id[EI_CLASS] == ELFCLASS64 ? 64 : 32;
    f->big = id[EI_DATA] == ELFDATA2MSB;
    f->osabi = id[EI_OSABI];
    r->big = f->big;
    if (id[EI_DATA] != ELFDATA2LSB && id[EI_DATA] != ELFDATA2MSB)
        anomaly_add(&f->anomalies, "byte-order", EI_DATA,
                    "The byte order is neither little nor big; Linux ignores that, some tools do not");
    if (id[EI_VERSION] != EV_CURRENT)
        anomaly_add(&f->anomalies, "version", EI_VERSION, "The ELF version in the identification is not 1");
    f->type = reader_u16e(r);
    f->machine = reader_u16e(r);
    reader_u32e(r);
    f->entry = word(r, f);
    p->phoff = word(r, f);
    p->shoff = word(r, f);
    f->flags = reader_u32e(r);
    reader_u16e(r); /* e_ehsize */
    p->phentsize = reader_u16e(r);
    p->phnum = reader_u16e(r);
    p->shentsize = reader_u16e(r);
    p->shnum = reader_u16e(r);
    p->shstrndx = reader_u16e(r);
    if (!reader_ok(r))
        anomaly_add(&f->anomalies, "header-truncated", r->error_offset, "The file ends inside the ELF header");
    reach(p, 0, f->bits == 64 ? 64 : 52);
    return 0;
}

static void parse_segments(struct parser *p)
{
    struct elf *f = p->f;
    unsigned size = f->bits == 64 ? 56 : 32;
    unsigned n = p->phnum > ELF_SEGMENTS_MAX ? ELF_SEGMENTS_MAX : p->phnum;

    if (!n)
        return;
    if (p->phentsize != size)
        anomaly_add(&f->anomalies, "phentsize", 0,
                    "The size of a program header is not the standard one; Linux refuses such a file");
    if (p->phnum > ELF_SEGMENTS_MAX)
        anomaly_add(&f->anomalies, "too-many-segments", p->phoff, "There are more program headers than are read");
    if (!(f->segments = arena_array(p->arena, n, sizeof(*f->segments))))
        return;
    for (unsigned i = 0; i < n; i++) {
        struct reader r;
        struct elf_segment *s = &f->segments[i];
        uint64_t at = p->phoff + (uint64_t)i * p->phentsize;

        if (!reader_window(p->in, at, size, &r)) {
            anomaly_add(&f->anomalies, "segment-outside-file", at, "A program header lies outside the file");
            break;
        }
        s->type = reader_u32e(&r);
        if (f->bits == 64)
            s->flags = reader_u32e(&r);
        s->offset = word(&r, f);
        s->address = word(&r, f);
        word(&r, f); /* physical address */
        s->file_size = word(&r, f);
        s->memory_size = word(&r, f);
        if (f->bits == 32)
            s->flags = reader_u32e(&r);
        f->nsegments++;
        reach(p, at, size);
    }
}

static void judge_segment(struct parser *p, const struct elf_segment *s)
{
    struct elf *f = p->f;

    if (s->offset > p->in->size || s->file_size > p->in->size - s->offset) {
        if (s->type == PT_LOAD || s->type == PT_DYNAMIC || s->type == PT_INTERP)
            anomaly_add(&f->anomalies, "segment-truncated", s->offset,
                        "A segment reaches beyond the end of the file: the file is cut or its headers lie");
    } else {
        reach(p, s->offset, s->file_size);
    }
    if (s->type == PT_LOAD && (s->flags & (PF_W | PF_X)) == (PF_W | PF_X)) {
        f->wx_segment = true;
        anomaly_add(&f->anomalies, "writable-code", s->offset,
                    "A segment is both writable and executable, as packers make it");
    }
    if (s->type == PT_GNU_STACK && s->flags & PF_X)
        f->executable_stack = true;
    if (s->type == PT_LOAD && s->memory_size < s->file_size)
        anomaly_add(&f->anomalies, "segment-sizes", s->offset, "A segment is larger in the file than in memory");
}

static void parse_interp(struct parser *p, const struct elf_segment *s)
{
    struct reader r;

    if (reader_window(p->in, s->offset, s->file_size, &r))
        p->f->interpreter = reader_cstr(&r, r.size);
}

/* Virtual address to file offset, by the loadable segments. */
static bool to_offset(const struct elf *f, uint64_t address, uint64_t *ret)
{
    for (unsigned i = 0; i < f->nsegments; i++) {
        const struct elf_segment *s = &f->segments[i];
        if (s->type == PT_LOAD && address >= s->address && address - s->address < s->file_size) {
            *ret = s->offset + (address - s->address);
            return true;
        }
    }
    return false;
}

static struct str text_at(const struct parser *p, uint64_t table, uint64_t table_size, uint64_t at)
{
    struct reader r;

    if (at >= table_size || !reader_window(p->in, table + at, table_size - at, &r))
        return STR_NONE;
    return reader_cstr(&r, r.size);
}

static void parse_dynamic(struct parser *p, const struct elf_segment *s)
{
    struct elf *f = p->f;
    uint64_t strtab = 0, strsz = 0, table = 0, tag, value;
    unsigned entry = f->bits / 4;
    struct reader r;

    if (!reader_window(p->in, s->offset, s->file_size, &r)) {
        anomaly_add(&f->anomalies, "dynamic-outside-file", s->offset, "The dynamic section lies outside the file");
        return;
    }
    for (struct reader d = r; reader_left(&d) >= entry;) {
        tag = word(&d, f);
        value = word(&d, f);
        if (tag == DT_NULL)
            break;
        if (tag == DT_STRTAB)
            strtab = value;
        else if (tag == DT_STRSZ)
            strsz = value;
    }
    if (!strtab || !to_offset(f, strtab, &table)) {
        if (strtab)
            anomaly_add(&f->anomalies, "dynamic-strings", s->offset,
                        "The dynamic string table lies outside every segment");
        return;
    }
    if (table <= p->in->size && strsz > p->in->size - table)
        strsz = p->in->size - table;
    while (reader_left(&r) >= entry) {
        tag = word(&r, f);
        value = word(&r, f);
        if (tag == DT_NULL)
            break;
        if (tag == DT_NEEDED && f->nneeded < ELF_NEEDED_MAX)
            f->needed[f->nneeded++] = text_at(p, table, strsz, value);
        else if (tag == DT_SONAME)
            f->soname = text_at(p, table, strsz, value);
        else if (tag == DT_RUNPATH || tag == DT_RPATH)
            f->runpath = text_at(p, table, strsz, value);
    }
}

static bool read_section(struct parser *p, unsigned index, struct elf_section *s, uint32_t *name, uint32_t *link)
{
    struct elf *f = p->f;
    unsigned size = f->bits == 64 ? 64 : 40;
    uint64_t at = p->shoff + (uint64_t)index * p->shentsize;
    struct reader r;

    if (!reader_window(p->in, at, size, &r))
        return false;
    *name = reader_u32e(&r);
    s->type = reader_u32e(&r);
    s->flags = word(&r, f);
    s->address = word(&r, f);
    s->offset = word(&r, f);
    s->size = word(&r, f);
    *link = reader_u32e(&r);
    reach(p, at, size);
    return true;
}

static void describe_section(struct parser *p, struct elf_section *s)
{
    struct elf *f = p->f;
    struct reader r;

    s->entropy = -1;
    if (s->type == SHT_NOBITS || s->type == SHT_NULL || !s->size)
        return;
    if (!reader_window(p->in, s->offset, s->size, &r)) {
        anomaly_add(&f->anomalies, "section-outside-file", s->offset, "A section reaches beyond the end of the file");
        return;
    }
    reach(p, s->offset, s->size);
    s->entropy = entropy_of(r.base, r.size);
    if (str_eqz(s->name, ".comment"))
        f->comment = reader_cstr(&r, r.size);
}

static void parse_symbols(struct parser *p, const struct elf_section *s, const struct elf_section *names)
{
    struct elf *f = p->f;
    unsigned size = f->bits == 64 ? 24 : 16;
    struct reader r;

    if (!reader_window(p->in, s->offset, s->size, &r))
        return;
    f->imports = arena_array(p->arena, ELF_SYMBOLS_MAX, sizeof(*f->imports));
    f->exports = arena_array(p->arena, ELF_SYMBOLS_MAX, sizeof(*f->exports));
    while (f->imports && f->exports && reader_left(&r) >= size) {
        uint32_t name = reader_u32e(&r);
        uint8_t info;
        uint16_t index;
        struct str text;

        if (f->bits == 64) {
            info = reader_u8(&r);
            reader_u8(&r);
            index = reader_u16e(&r);
            reader_skip(&r, 16);
        } else {
            reader_skip(&r, 8);
            info = reader_u8(&r);
            reader_u8(&r);
            index = reader_u16e(&r);
        }
        if (!name || info >> 4 == STB_LOCAL)
            continue;
        text = text_at(p, names->offset, names->size, name);
        if (!text.n)
            continue;
        if (index == SHN_UNDEF && f->nimports < ELF_SYMBOLS_MAX)
            f->imports[f->nimports++] = text;
        else if (index != SHN_UNDEF && f->nexports < ELF_SYMBOLS_MAX)
            f->exports[f->nexports++] = text;
    }
}

static void parse_sections(struct parser *p)
{
    struct elf *f = p->f;
    unsigned n = p->shnum > ELF_SECTIONS_MAX ? ELF_SECTIONS_MAX : p->shnum;
    uint32_t *names = arena_array(p->arena, n ? n : 1, sizeof(*names)),
             *links = arena_array(p->arena, n ? n : 1, sizeof(*links));

    f->stripped = true;
    if (!n || !names || !links || !(f->sections = arena_array(p->arena, n, sizeof(*f->sections))))
        return;
    for (unsigned i = 0; i < n; i++) {
        if (!read_section(p, i, &f->sections[i], &names[i], &links[i])) {
            anomaly_add(&f->anomalies, "sections-outside-file", p->shoff, "The section headers lie outside the file");
            break;
        }
        f->nsections++;
    }
    if (p->shstrndx >= f->nsections && f->nsections)
        anomaly_add(&f->anomalies, "section-names", 0, "The section that should hold the names does not exist");
    for (unsigned i = 0; i < f->nsections; i++) {
        struct elf_section *s = &f->sections[i];
        if (p->shstrndx < f->nsections)
            s->name = text_at(p, f->sections[p->shstrndx].offset, f->sections[p->shstrndx].size, names[i]);
        describe_section(p, s);
        if (s->type == SHT_SYMTAB)
            f->stripped = false;
        if (s->address && f->entry >= s->address && f->entry - s->address < s->size)
            f->entry_section = s->name;
    }
    for (unsigned i = 0; i < f->nsections; i++)
        if (f->sections[i].type == SHT_DYNSYM && links[i] < f->nsections && !f->imports)
            parse_symbols(p, &f->sections[i], &f->sections[links[i]]);
}

static void parse_note(struct parser *p, const struct elf_segment *s)
{
    struct reader r;

    if (!reader_window(p->in, s->offset, s->file_size, &r))
        return;
    while (reader_left(&r) >= 12) {
        uint32_t name_size = reader_u32e(&r), size = reader_u32e(&r), type = reader_u32e(&r);
        struct str name = reader_str(&r, name_size), data;

        reader_skip(&r, (4 - name_size % 4) % 4);
        data = reader_str(&r, size);
        if (!reader_ok(&r))
            return;
        if (type == NT_GNU_BUILD_ID && str_starts(name, STR_LIT("GNU")) && data.n <= 64)
            p->f->build_id = data;
        if (reader_left(&r) < (4 - size % 4) % 4)
            return;
        reader_skip(&r, (4 - size % 4) % 4);
    }
}

static void judge_whole(struct parser *p)
{
    struct elf *f = p->f;
    uint64_t ignored;
    struct reader r = *p->in;

    f->is_static = !f->interpreter.n && !f->nneeded && (f->type == ET_EXEC || f->type == ET_DYN);
    if (p->end < p->in->size) {
        f->overlay_offset = p->end;
        f->overlay_size = p->in->size - p->end;
    }
    if (f->nsegments && f->type != ET_REL && f->type != ET_CORE && f->entry && !to_offset(f, f->entry, &ignored))
        anomaly_add(&f->anomalies, "entry-outside", 24, "The entry point lies in no segment of the file");
    if (!f->nsections && f->nsegments)
        anomaly_add(&f->anomalies, "no-sections", 0, "The section table was removed, as packers and bot makers do");
    reader_seek(&r, 0);
    f->packed_upx = str_find(reader_str(&r, r.size < 4096 ? r.size : 4096), STR_LIT("UPX!")) >= 0;
}

int elf_parse(struct reader *in, struct arena *a, struct elf *ret, struct err *e)
{
    struct parser p = {.in = in, .arena = a, .f = ret};
    int r;

    memset(ret, 0, sizeof(*ret));
    if ((r = parse_header(&p, e)) < 0)
        return r;
    parse_segments(&p);
    for (unsigned i = 0; i < ret->nsegments; i++) {
        const struct elf_segment *s = &ret->segments[i];
        judge_segment(&p, s);
        if (s->type == PT_INTERP)
            parse_interp(&p, s);
        else if (s->type == PT_DYNAMIC)
            parse_dynamic(&p, s);
        else if (s->type == PT_NOTE)
            parse_note(&p, s);
    }
    parse_sections(&p);
    judge_whole(&p);
    return a->failed ? err_set(e, a->failed, "out of memory while reading the ELF file") : 0;
}
