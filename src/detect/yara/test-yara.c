/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libyara behind yara.h: compiling, scanning, results on the wire, packs, meanings of meta. */
#include "detect/yara/meaning.h"
#include "detect/yara/pack.h"
#include "detect/yara/streams.h"
#include "os/file.h"
#include "os/sanitizer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

/* libyara 4.5 forgets the name of an include that fails. */
#if OS_SANITIZED
#include <sanitizer/lsan_interface.h>
#define LEAKS_IGNORED __lsan_disable()
#define LEAKS_WATCHED __lsan_enable()
#else
#define LEAKS_IGNORED (void)0
#define LEAKS_WATCHED (void)0
#endif

struct told {
    unsigned errors, warnings;
    char first[512]; /* "file:line: reason" of the first error */
};

static void on_problem(void *context, bool warning, struct str file, unsigned line, const char *reason)
{
    struct told *t = context;
    if (!warning && !t->errors)
        snprintf(t->first, sizeof(t->first), "%.*s:%u: %s", STR_ARG(file), line, reason);
    t->errors += !warning;
    t->warnings += warning;
}

static struct yara_text text(const char *ns, const char *file, const char *rules)
{
    return (struct yara_text){.ns = str_from(ns), .file = str_from(file), .text = str_from(rules)};
}

static int compile(const struct yara_text *t, size_t n, struct told *told, struct yara_rules **ret, struct err *e)
{
    const struct yara_handlers h = {.context = told, .problem = on_problem};
    *told = (struct told){0};
    return yara_compile(t, n, NULL, 0, &h, ret, e);
}

static struct yara_rules *good(const char *rules)
{
    const struct yara_text t = text("n", "n.yar", rules);
    struct yara_rules *r = NULL;
    struct told told;
    struct err e = {0};
    if (compile(&t, 1, &told, &r, &e) < 0)
        fail_msg("%s (%s)", e.text, told.first);
    return r;
}

static void scan(struct yara_rules *r, const void *p, size_t n, struct yara_result *ret)
{
    const struct yara_target t = {.filename = "a.exe", .filepath = "/tmp/a.exe", .extension = ".exe", .timeout_s = 20};
    yara_scan(r, p, n, &t, NULL, 0, ret);
}

static void hits_carry_everything(void **state)
{
    static const char bytes[] = "..needle..needle..\x12\x34..";
    struct yara_rules *r = good("rule a : one two { meta: description = \"D\" score = 70 flag = true\n"
                                "strings: $a = \"needle\" $h = { 12 34 } $p = \"..\" private condition: all of them }\n"
                                "private rule hidden { condition: true }\n"
                                "rule b { condition: hidden and filename == \"a.exe\" and extension == \".exe\" }\n"
                                "rule c { condition: filesize > 1MB }");
    struct yara_result got;
    (void)state;
    assert_int_equal(yara_rules_count(r), 4);
    scan(r, bytes, sizeof(bytes) - 1, &got);
    assert_int_equal(got.status, YARA_DONE);
    assert_int_equal(got.nhits, 2);
    const struct yara_hit *h = &got.hits[0];
    assert_true(str_eqz(h->ns, "n") && str_eqz(h->rule, "a"));
    assert_int_equal(h->ntags, 2);
    assert_true(str_eqz(h->tags[1], "two"));
    assert_int_equal(h->nmetas, 3);
    assert_true(str_eqz(yara_hit_text(h, "description"), "D"));
    assert_int_equal(yara_hit_meta(h, "score")->number, 70);
    assert_int_equal(yara_hit_meta(h, "flag")->kind, YARA_META_BOOLEAN);
    assert_null(yara_hit_meta(h, "none"));
    assert_int_equal(h->nmatches, 3);
    assert_true(str_eqz(h->matches[0].string, "$a") && str_eqz(h->matches[0].bytes, "needle"));
    assert_int_equal(h->matches[0].offset, 2);
    assert_int_equal(h->matches[1].offset, 10);
    assert_int_equal(h->matches[2].offset, 18);
    assert_int_equal(h->matches[2].length, 2);
    assert_true(str_eqz(got.hits[1].rule, "b"));
    yara_result_free(&got);
    yara_rules_free(&r);
}

static void caps_are_counted(void **state)
{
    struct yara_rules *r = good("rule a { strings: $a = \"xy\" condition: $a }");
    struct yara_result got;
    struct buf b;
    (void)state;
    buf_init(&b, 1u << 20);
    for (unsigned i = 0; i < 1000; i++)
        buf_addz(&b, "xy.");
    scan(r, b.data, b.len, &got);
    assert_int_equal(got.hits[0].nmatches, YARA_MATCHES_STRING_MAX);
    assert_int_equal(got.hits[0].more_matches, 1000 - YARA_MATCHES_STRING_MAX);
    yara_result_free(&got);
    yara_rules_free(&r);
    buf_free(&b);
    /* more rules than a result takes */
    buf_init(&b, 1u << 20);
    for (unsigned i = 0; i < YARA_HITS_MAX + 5; i++)
        buf_addf(&b, "rule r%u { condition: true }\n", i);
    r = good(buf_z(&b));
    scan(r, "", 0, &got);
    assert_int_equal(got.nhits, YARA_HITS_MAX);
    assert_int_equal(got.more_hits, 5);
    yara_result_free(&got);
    yara_rules_free(&r);
    buf_free(&b);
}

static void a_string_that_matches_too_often_is_said(void **state)
{
    struct yara_rules *r = good("rule often { strings: $a = \"aa\" condition: #a > 10 }");
    size_t n = 1100000;
    char *p = malloc(n);
    struct yara_result got;
    (void)state;
    assert_non_null(p);
    memset(p, 'a', n);
    scan(r, p, n, &got);
    bool said = false;
    for (uint32_t i = 0; i < got.nnotes; i++)
        said |= got.notes[i].kind == YARA_NOTE_TOO_MANY && str_eqz(got.notes[i].rule, "often");
    assert_true(said);
    yara_result_free(&got);
    yara_rules_free(&r);
    free(p);
}

static void a_scan_has_a_time_limit(void **state)
{
    struct yara_rules *r =
        good("rule slow { condition: filesize > 10 and for all i in (0..4000000000) : (uint8(i % 16) < 256) }\n"
             "rule quick { condition: true }");
    const struct yara_target t = {.timeout_s = 1};
    struct yara_result got;
    (void)state;
    yara_scan(r, "0123456789abcdef", 16, &t, NULL, 0, &got);
    assert_int_equal(got.status, YARA_TIMEOUT);
    assert_true(str_find(got.text, STR_LIT("longer than 1 s")) >= 0);
    yara_result_free(&got);
    scan(r, "", 0, &got); /* the scanner works on */
    assert_int_equal(got.status, YARA_DONE);
    assert_int_equal(got.nhits, 1);
    yara_result_free(&got);
    yara_rules_free(&r);
}

static void a_bad_file_is_told_and_the_others_work(void **state)
{
    const struct yara_text t[] = {
        text("a", "p/a.yar", "rule same { condition: true }"),
        text("b", "p/b.yar", "rule x {\n condition:\n  $nothing }"),
        text("c", "p/c.yar", "rule same { condition: true }"), /* another namespace */
        text("d", "p/d.yar", "import \"nonsense\" rule y { condition: true }"),
        text("e", "p/e.yar", ""),
    };
    struct yara_rules *r = NULL;
    struct told told;
    struct err e = {0};
    struct yara_result got;
    (void)state;
    assert_int_equal(compile(t, 5, &told, &r, &e), 0);
    assert_int_equal(told.errors, 2);
    assert_string_equal(told.first, "p/b.yar:3: undefined string \"$nothing\"");
    assert_int_equal(yara_rules_count(r), 2);
    scan(r, "x", 1, &got);
    assert_int_equal(got.nhits, 2);
    assert_true(str_eqz(got.hits[1].ns, "c"));
    yara_result_free(&got);
    yara_rules_free(&r);
    assert_int_equal(compile(&t[1], 1, &told, &r, &e), ERR_MISSING);
}

static void includes_stay_inside_the_pack(void **state)
{
    static const struct {
        const char *text;
        bool good;
    } cases[] = {
        {"include \"part.inc\" rule top { condition: part }", true},
        {"include \"./sub/../part.inc\" rule top { condition: part }", true},
        {"include \"sub/deep.yar\" rule top { condition: deep }", true}, /* which includes ../part.inc */
        {"include \"/etc/passwd\"", false},
        {"include \"../../etc/passwd\"", false},
        {"include \"nothing.yar\"", false},
        {"include \"top.yar\"", false}, /* itself */
        {"include \"\"", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct yara_text t[] = {text("top", "/p/top.yar", cases[i].text),
                                text("", "/p/part.inc", "private rule part { condition: true }"),
                                text("", "/p/sub/deep.yar", "include \"../part.inc\" rule deep { condition: part }")};
        struct yara_rules *r = NULL;
        struct told told;
        struct err e = {0};
        t[1].included_only = t[2].included_only = true;
        LEAKS_IGNORED;
        int x = compile(t, 3, &told, &r, &e);
        LEAKS_WATCHED;
        if ((x == 0) != cases[i].good || (x < 0) != (told.errors > 0))
            fail_msg("case %zu: %d %s", i, x, told.first);
        yara_rules_free(&r);
    }
}

static void included_files_that_multiply_end(void **state)
{
    struct yara_text t[17];
    char names[17][16], texts[17][64];
    struct yara_rules *r = NULL;
    struct told told;
    struct err e = {0};
    (void)state;
    for (unsigned i = 0; i < 17; i++) {
        snprintf(names[i], sizeof(names[i]), "p/f%u.yar", i);
        snprintf(texts[i], sizeof(texts[i]), "include \"f%u.yar\"\ninclude \"f%u.yar\"\n", i + 1, i + 1);
        t[i] = text("", names[i], i == 16 ? "" : texts[i]);
        t[i].included_only = i > 0;
    }
    t[0].ns = STR_LIT("f0");
    LEAKS_IGNORED;
    assert_int_equal(compile(t, 17, &told, &r, &e), ERR_MISSING);
    LEAKS_WATCHED;
    assert_true(told.errors > 0);
}

static void slow_rules_are_warned_of(void **state)
{
    const struct yara_text t = text("n", "n.yar", "rule s { strings: $a = /.{2,5}a/ condition: $a }");
    struct yara_rules *r = NULL;
    struct told told;
    struct err e = {0};
    (void)state;
    assert_int_equal(compile(&t, 1, &told, &r, &e), 0);
    assert_int_equal(told.errors, 0);
    assert_true(told.warnings > 0);
    yara_rules_free(&r);
}

static void compiled_rules_come_back(void **state)
{
    struct yara_rules *r =
        good("rule a { strings: $a = \"abc\" condition: $a } rule b { condition: filename == \"a.exe\" }");
    struct yara_rules *again = NULL;
    struct yara_result got;
    struct buf b;
    struct err e = {0};
    int fd = memfd_create("t", MFD_CLOEXEC);
    (void)state;
    assert_int_equal(yara_rules_save(r, fd, &e), 0);
    yara_rules_free(&r);
    lseek(fd, 0, SEEK_SET);
    assert_true(file_read_fd(fd, 16 << 20, &b, &e) >= 0);
    assert_int_equal(yara_rules_load(b.data, b.len, &again, &e), 0);
    scan(again, "xabcx", 5, &got);
    assert_int_equal(got.nhits, 2);
    yara_result_free(&got);
    yara_rules_free(&again);
    assert_true(yara_rules_load(b.data, 3, &again, &e) < 0);
    assert_true(yara_rules_load("", 0, &again, &e) < 0);
    buf_free(&b);
    close(fd);
}

static void defines_are_typed(void **state)
{
    static const struct {
        const char *spec;
        int kind; /* -1: refused */
    } cases[] = {{"a=1", YARA_DEFINE_INTEGER},
                 {"a=-0x10", YARA_DEFINE_INTEGER},
                 {"a=true", YARA_DEFINE_BOOLEAN},
                 {"a=1.5", YARA_DEFINE_FLOAT},
                 {"a=", YARA_DEFINE_TEXT},
                 {"a=b=c", YARA_DEFINE_TEXT},
                 {"_a9=x", YARA_DEFINE_TEXT},
                 {"=x", -1},
                 {"a", -1},
                 {"9a=1", -1},
                 {"a b=1", -1},
                 {"", -1}};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char spec[32];
        struct yara_define d;
        struct err e;
        snprintf(spec, sizeof(spec), "%s", cases[i].spec);
        int x = yara_define_parse(spec, &d, &e);
        if (cases[i].kind < 0 ? x != ERR_USAGE : x != 0 || (int)d.kind != cases[i].kind)
            fail_msg("'%s'", cases[i].spec);
    }
    const struct yara_define d[] = {{YARA_DEFINE_INTEGER, "n", "7", 7, 0}, {YARA_DEFINE_TEXT, "s", "hello", 0, 0}};
    const struct yara_text t = text("n", "n.yar", "rule a { condition: n == 7 and s contains \"ell\" }");
    struct yara_rules *r = NULL;
    struct yara_result got;
    struct err e = {0};
    assert_int_equal(yara_compile(&t, 1, d, 2, NULL, &r, &e), 0);
    yara_scan(r, "", 0, &(struct yara_target){0}, d, 2, &got);
    assert_int_equal(got.nhits, 1);
    yara_result_free(&got);
    yara_rules_free(&r);
    const struct yara_define twice = {YARA_DEFINE_TEXT, "filename", "x", 0, 0};
    assert_int_equal(yara_compile(&t, 1, &twice, 1, NULL, &r, &e), ERR_USAGE);
}

static void modules_that_are_built_in_work(void **state)
{
    static const char *const rules[] = {
        "import \"hash\" rule a { condition: hash.md5(0, filesize) == \"900150983cd24fb0d6963f7d28e17f72\" }",
        "import \"math\" rule a { condition: math.entropy(0, filesize) > 1.0 }",
        "import \"magic\" rule a { condition: magic.mime_type() == \"text/plain\" }",
        "import \"string\" rule a { condition: string.length(\"abc\") == 3 }",
        "import \"time\" rule a { condition: time.now() > 0 }",
        "import \"console\" rule a { condition: console.log(\"x\") }",
        "import \"elf\" import \"pe\" import \"dotnet\" rule a { condition: not pe.is_pe and not defined elf.type }",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
        struct yara_rules *r = good(rules[i]);
        struct yara_result got;
        scan(r, "abc", 3, &got);
        if (got.status != YARA_DONE || got.nhits != 1)
            fail_msg("%s: %d %.*s", rules[i], got.status, STR_ARG(got.text));
        yara_result_free(&got);
        yara_rules_free(&r);
    }
}

static void results_survive_the_wire(void **state)
{
    struct yara_rules *r = good("rule a : t { meta: d = \"x\" n = -3 b = false strings: $a = \"ab\" condition: $a }");
    struct yara_result got, back;
    struct reader in;
    struct err e = {0};
    struct buf b, second;
    (void)state;
    scan(r, "xxabxxab", 8, &got);
    buf_init(&b, 1u << 20);
    yara_result_encode(&got, &b);
    reader_init(&in, b.data, b.len);
    assert_int_equal(yara_result_decode(&in, &back, &e), 0);
    buf_init(&second, 1u << 20);
    yara_result_encode(&back, &second);
    assert_true(str_eq(buf_str(&b), buf_str(&second)));
    assert_int_equal(yara_hit_meta(&back.hits[0], "n")->number, -3);
    yara_result_free(&back);
    for (size_t n = 0; n < b.len; n++) { /* cut anywhere: an error */
        reader_init(&in, b.data, n);
        assert_true(yara_result_decode(&in, &back, &e) < 0);
    }
    buf_u8(&b, 0);
    reader_init(&in, b.data, b.len);
    assert_true(yara_result_decode(&in, &back, &e) < 0);
    yara_result_free(&got);
    yara_rules_free(&r);
    buf_free(&b);
    buf_free(&second);
}

/* ---- packs -------------------------------------------------------------------------------------------- */

static char *make_dir(void)
{
    char *dir = strdup("/tmp/test-yara-XXXXXX");
    assert_non_null(dir);
    assert_non_null(mkdtemp(dir));
    return dir;
}

static void put(const char *dir, const char *name, const char *content)
{
    char *path = path_join(dir, name), *parent = str_dup(str_dirname(str_from(path)));
    struct err e = {0};
    assert_int_equal(file_mkdirs(parent, 0700, &e), 0);
    assert_int_equal(file_write_atomic(path, content, strlen(content), 0600, &e), 0);
    free(path);
    free(parent);
}

static void packs_name_their_files(void **state)
{
    char *dir = make_dir();
    struct yara_pack p;
    struct told told = {0};
    const struct yara_handlers h = {.context = &told, .problem = on_problem};
    struct err e = {0};
    char *file = path_join(dir, "index.yar");
    (void)state;
    put(dir, "b.yar", "rule b { condition: true }");
    put(dir, "sub/a.yara", "rule a { condition: true }");
    put(dir, "part.inc", "rule p { condition: true }");
    put(dir, "index.yar", "// all\ninclude \"b.yar\"\n/* and */ include \"sub/a.yara\" // end");
    put(dir, "notes.txt", "nothing");
    put(dir, ".hidden.yar", "rule h { condition: true }");
    yara_pack_init(&p);
    assert_int_equal(yara_pack_add(&p, dir, &h, &e), 0);
    assert_int_equal(p.count, 4);
    assert_int_equal(yara_pack_files(&p), 2);
    assert_true(str_eqz(p.texts[0].ns, "b") && str_eqz(p.texts[3].ns, "sub/a"));
    assert_int_equal(yara_pack_add(&p, dir, &h, &e), 0); /* once more: nothing new */
    assert_int_equal(p.count, 4);
    yara_pack_free(&p);
    yara_pack_init(&p);
    assert_int_equal(yara_pack_add(&p, file, &h, &e), 0); /* named: compiled, with its neighbours for includes */
    assert_int_equal(yara_pack_files(&p), 1);
    struct yara_rules *r = NULL;
    assert_int_equal(yara_compile(p.texts, p.count, NULL, 0, &h, &r, &e), 0);
    assert_int_equal(yara_rules_count(r), 2);
    yara_rules_free(&r);
    yara_pack_free(&p);
    yara_pack_init(&p);
    assert_true(yara_pack_add(&p, "/nonexistent", &h, &e) < 0);
    assert_true(yara_pack_add(&p, "/dev/null", &h, &e) < 0);
    yara_pack_free(&p);
    assert_int_equal(told.errors, 0);
    file_remove_tree(dir, &e);
    free(file);
    free(dir);
}

static void namespaces_of_names(void **state)
{
    static const char *const cases[][2] = {{"yara/miners.yar", "miners"},
                                           {"yara/a/b.yara", "a/b"},
                                           {"pack/x/y.yar", "pack/x/y"},
                                           {"/srv/content/yara/miners.yar", "miners"},
                                           {"/srv/yara/old/yara/m.yar", "m"},
                                           {"/srv/rules/m.x.yar", "m.x"},
                                           {"m", "m"}};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        if (!str_eqz(yara_pack_namespace(str_from(cases[i][0])), cases[i][1]))
            fail_msg("%s", cases[i][0]);
}

/* ---- traffic ------------------------------------------------------------------------------------------- */

static void record(struct buf *b, uint32_t from, uint16_t sport, uint16_t dport, bool tcp, uint32_t seq, uint8_t flags,
                   const char *data)
{
    size_t n = strlen(data), up = (tcp ? 20 : 8) + n;
    for (int i = 0; i < 8; i++)
        buf_u8(b, 0);
    buf_u32le(b, (uint32_t)(34 + up));
    buf_u32le(b, (uint32_t)(34 + up));
    for (int i = 0; i < 12; i++)
        buf_u8(b, 2);
    buf_u16be(b, 0x0800);
    buf_u16be(b, 0x4500);
    buf_u16be(b, (uint16_t)(20 + up));
    buf_u32be(b, 0);
    buf_u8(b, 64);
    buf_u8(b, tcp ? 6 : 17);
    buf_u16be(b, 0);
    buf_u32be(b, from);
    buf_u32be(b, 0x01020304);
    buf_u16be(b, sport);
    buf_u16be(b, dport);
    if (tcp) {
        buf_u32be(b, seq);
        buf_u32be(b, 0);
        buf_u8(b, 0x50);
        buf_u8(b, flags);
        buf_u16be(b, 1000);
    } else {
        buf_u16be(b, (uint16_t)up);
    }
    buf_u16be(b, 0);
    if (tcp)
        buf_u16be(b, 0);
    buf_addz(b, data);
}

static void capture_begin(struct buf *b)
{
    buf_init(b, 1u << 20);
    buf_u32le(b, 0xa1b23c4d);
    for (int i = 0; i < 4; i++)
        buf_u32le(b, 0);
    buf_u32le(b, 1);
}

static void streams_are_put_together(void **state)
{
    struct buf b;
    struct streams all;
    struct reader in;
    struct err e = {0};
    char name[STREAM_NAME_MAX];
    (void)state;
    capture_begin(&b);
    record(&b, 0x0a000002, 4000, 80, true, 0xfffffffd, 2, ""); /* SYN; the numbers go round */
    record(&b, 0x0a000002, 4000, 80, true, 0xfffffffe, 16, "POST nee");
    record(&b, 0x0a000002, 4000, 80, true, 0xfffffffe + 11, 16, " end");
    record(&b, 0x0a000002, 4000, 80, true, 0xfffffffe + 8, 16, "dle");
    record(&b, 0x0a000002, 4000, 80, true, 0xfffffffe, 16, "POST nee");          /* sent again */
    record(&b, 0x0a000002, 4000, 80, true, 0xfffffffe + (64u << 20), 16, "far"); /* not near it */
    record(&b, 0x0a000002, 53, 53, false, 0, 0, "one");
    record(&b, 0x0a000002, 53, 53, false, 0, 0, "two");
    record(&b, 0x0a000002, 4000, 80, true, 5000, 2, ""); /* the same ports again */
    record(&b, 0x0a000002, 4000, 80, true, 5001, 16, "!");
    size_t whole = b.len;
    record(&b, 0x0a000002, 4001, 80, true, 1, 16, "lost");
    reader_init(&in, b.data, b.len - 1); /* the last one is cut */
    assert_int_equal(streams_read(&in, &all, &e), 0);
    assert_int_equal(all.count, 2);
    assert_int_equal(all.left_out, 1);
    stream_name(&all.items[0], name);
    assert_string_equal(name, "tcp 10.0.0.2:4000 > 1.2.3.4:80");
    if (!str_eqz(buf_str(&all.items[0].data), "POST needle end!"))
        fail_msg("%.*s", STR_ARG(buf_str(&all.items[0].data)));
    assert_true(str_eqz(buf_str(&all.items[1].data), "onetwo"));
    streams_free(&all);
    for (size_t n = 0; n < whole; n++) { /* cut anywhere */
        reader_init(&in, b.data, n);
        if (streams_read(&in, &all, &e) == 0)
            streams_free(&all);
        else
            assert_true(n < 24);
    }
    buf_free(&b);
    reader_init(&in, "\x0a\x0d\x0d\x0axxxxxxxxxxxxxxxxxxxxxxxxxxxx", 32);
    assert_int_equal(streams_read(&in, &all, &e), ERR_FORMAT);
}

static void many_streams_end(void **state)
{
    struct buf b;
    struct streams all;
    struct reader in;
    struct err e = {0};
    (void)state;
    capture_begin(&b);
    for (unsigned i = 0; i < STREAMS_MAX + 100; i++)
        record(&b, 0x0a000002, (uint16_t)i, 80, true, 1, 16, "x");
    reader_init(&in, b.data, b.len);
    assert_int_equal(streams_read(&in, &all, &e), 0);
    assert_int_equal(all.count, STREAMS_MAX);
    assert_int_equal(all.left_out, 100);
    streams_free(&all);
    buf_free(&b);
}

/* ---- meta ------------------------------------------------------------------------------------------------ */

static void meta_become_points(void **state)
{
    static const struct {
        const char *meta;
        enum severity severity;
        unsigned points;
    } cases[] = {
        {"a = 1", SEVERITY_MEDIUM, 15},
        {"severity = \"low\"", SEVERITY_LOW, 5},
        {"severity = \"HIGH\"", SEVERITY_HIGH, 40},
        {"severity = \"info\" score = 99", SEVERITY_INFO, 3},
        {"score = 75", SEVERITY_HIGH, 65},
        {"score = 60", SEVERITY_HIGH, 60},
        {"score = \"45\"", SEVERITY_MEDIUM, 30},
        {"score = 12", SEVERITY_LOW, 10},
        {"score = -5", SEVERITY_INFO, 0},
        {"score = \"many\"", SEVERITY_MEDIUM, 15},
        {"severity = \"high\" score = 3", SEVERITY_HIGH, 20},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char rules[256];
        struct yara_result got;
        struct yara_meaning m;
        snprintf(rules, sizeof(rules), "rule a { meta: %s condition: true }", cases[i].meta);
        struct yara_rules *r = good(rules);
        scan(r, "", 0, &got);
        yara_meaning_of(&got.hits[0], &m);
        if (m.severity != cases[i].severity || m.points != cases[i].points)
            fail_msg("%s: %s %u", cases[i].meta, severity_name(m.severity), m.points);
        yara_result_free(&got);
        yara_rules_free(&r);
    }
}

static void meta_become_words(void **state)
{
    struct yara_rules *r = good("rule a { meta: description = \"Mines\" author = \"me\" malware = \"Xmr\"\n"
                                "category = \"Bitcoin Miner\" attack = \"T1496, T1053.003 T9999;T1496\"\n"
                                "class = \"Miner 9, Trojan: 3, evader, nobody 4\" license = \"GPL\" condition: true }\n"
                                "rule b { meta: category = \"Odd\" description = 5 condition: true }");
    struct yara_result got;
    struct yara_meaning m;
    (void)state;
    scan(r, "", 0, &got);
    yara_meaning_of(&got.hits[0], &m);
    assert_true(str_eqz(m.category, "Bitcoin Miner"));
    assert_int_equal(m.nattack, 2);
    assert_true(str_eqz(m.attack[1], "T1053.003"));
    assert_int_equal(m.classes[CLASS_MINER], 9);
    assert_int_equal(m.classes[CLASS_TROJAN], 3);
    assert_int_equal(m.classes[CLASS_EVADER], 6);
    assert_true(str_eqz(m.malware, "Xmr") && str_eqz(m.licence, "GPL"));
    yara_meaning_of(&got.hits[1], &m);
    assert_true(str_eqz(m.category, "AV Detection"));
    assert_int_equal(m.description.n, 0);
    yara_result_free(&got);
    yara_rules_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hits_carry_everything),
        cmocka_unit_test(caps_are_counted),
        cmocka_unit_test(a_string_that_matches_too_often_is_said),
        cmocka_unit_test(a_scan_has_a_time_limit),
        cmocka_unit_test(a_bad_file_is_told_and_the_others_work),
        cmocka_unit_test(includes_stay_inside_the_pack),
        cmocka_unit_test(included_files_that_multiply_end),
        cmocka_unit_test(slow_rules_are_warned_of),
        cmocka_unit_test(compiled_rules_come_back),
        cmocka_unit_test(defines_are_typed),
        cmocka_unit_test(modules_that_are_built_in_work),
        cmocka_unit_test(results_survive_the_wire),
        cmocka_unit_test(packs_name_their_files),
        cmocka_unit_test(namespaces_of_names),
        cmocka_unit_test(streams_are_put_together),
        cmocka_unit_test(many_streams_end),
        cmocka_unit_test(meta_become_points),
        cmocka_unit_test(meta_become_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
