/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The real server on the loopback interface, and clients that write bytes. */
#include "http/server.h"

#include "os/file.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static char dir[] = "/tmp/belljar-http-XXXXXX";
static struct http_server *server;
static int port;

static int say_route(struct http_request *q, struct err *e)
{
    (void)e;
    buf_addf(&q->response.body, "%s %s", q->method, q->route ? q->route->path : "-");
    for (unsigned i = 0; i < HTTP_CAPTURES_MAX && q->capture[i].p; i++)
        buf_addf(&q->response.body, " [%.*s]", STR_ARG(q->capture[i]));
    const struct str *a = http_param(q, "a");
    if (a)
        buf_addf(&q->response.body, " a=%.*s", STR_ARG(*a));
    for (unsigned i = 0; i < q->nfiles; i++)
        buf_addf(&q->response.body, " file %.*s %.*s %llu", STR_ARG(q->files[i].field), STR_ARG(q->files[i].filename),
                 (unsigned long long)q->files[i].size);
    return 0;
}

static int fails(struct http_request *q, struct err *e)
{
    (void)q;
    return err_set(e, ERR_FORMAT, "secret reason");
}

static int headers(struct http_request *q, struct err *e)
{
    char cookie[32] = "none";
    (void)e;
    http_cookie(q, "sid", cookie, sizeof(cookie));
    http_header_add(q, "X-Good", "%s", cookie);
    http_header_add(q, "X-Bad", "a\r\nSet-Cookie: evil=%d", 1);
    buf_addz(&q->response.body, "ok");
    return 0;
}

static int fallback(struct http_request *q, struct err *e)
{
    (void)e;
    buf_addf(&q->response.body, "{\"status\":%u,\"why\":\"%s\"}", q->response.status, http_body_error(q));
    return 0;
}

static const struct http_route routes[] = {
    {"GET", "/one", say_route, 0, 0, "one"},
    {"GET", "/x/{id}/end", say_route, 0, 0, "capture"},
    {"GET", "/rest/{all*}", say_route, 0, 0, "rest"},
    {"POST", "/form", say_route, HTTP_FORM, 0, "form"},
    {"POST", "/file", say_route, HTTP_FORM | HTTP_FILES, 1 << 20, "file"},
    {"GET", "/fails", fails, 0, 0, "fails"},
    {"GET", "/headers", headers, 0, 0, "headers"},
    {NULL, NULL, NULL, 0, 0, NULL},
};

static const struct http_alias aliases[] = {{"/old/place", "/x"}, {NULL, NULL}};

static int setup(void **state)
{
    struct http_options o = {
        .fd = -1, .routes = routes, .aliases = aliases, .fallback = fallback, .upload_dir = dir, .threads = 2};
    struct sockaddr_in a;
    socklen_t n = sizeof(a);
    struct err e = {0};
    (void)state;

    assert_non_null(mkdtemp(dir));
    if (http_listen("127.0.0.1:0", &o.fd, NULL, &e) < 0)
        fail_msg("%s", e.text);
    getsockname(o.fd, (struct sockaddr *)&a, &n);
    port = ntohs(a.sin_port);
    if (http_server_start(&o, &server, &e) < 0)
        fail_msg("%s", e.text);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    http_server_stop(&server);
    return file_remove_tree(dir, NULL);
}

static int dial(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    return fd;
}

/* Sends the bytes and reads until the server closes. */
static void talk(const char *request, size_t n, struct buf *ret)
{
    char piece[4096];
    ssize_t got;
    int fd = dial();

    buf_init(ret, 8 << 20);
    for (size_t at = 0; at < n;) {
        ssize_t sent = send(fd, request + at, n - at, MSG_NOSIGNAL);
        if (sent <= 0)
            break;
        at += (size_t)sent;
    }
    while ((got = recv(fd, piece, sizeof(piece), 0)) > 0)
        buf_add(ret, piece, (size_t)got);
    close(fd);
}

static bool upload_dir_empty(void)
{
    DIR *d = opendir(dir);
    struct dirent *x;
    bool empty = true;

    while ((x = readdir(d)))
        empty = empty && x->d_name[0] == '.';
    closedir(d);
    return empty;
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
#define POST(path, type, length, body)                                                                                 \
    "POST " path " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: " type "\r\nContent-Length: " length      \
    "\r\n\r\n" body
#define PART "--X\r\nContent-Disposition: form-data; name=\"s\"; filename=\"<script>\"\r\n\r\nhello\r\n--X--\r\n"

static const struct {
    const char *request;
    const char *status; /* begins the answer */
    const char *inside; /* stands somewhere in it */
} rows[] = {
    {GET("/one"), "HTTP/1.1 200", "GET /one"},
    {GET("//one"), "HTTP/1.1 200", "GET /one"},
    {GET("/one?a=1+2%2f"), "HTTP/1.1 200", " a=1 2/"},
    {GET("/o%6ee"), "HTTP/1.1 200", "GET /one"},
    {GET("/x/12/end"), "HTTP/1.1 200", "[12]"},
    {GET("/old//place/12/end"), "HTTP/1.1 200", "[12]"},
    {GET("/old/places/12/end"), "HTTP/1.1 404", ""},
    {GET("/x//end"), "HTTP/1.1 404", "\"status\":404"},
    {GET("/x/a%2fb/end"), "HTTP/1.1 404", ""},
    {GET("/rest/a/b/c"), "HTTP/1.1 200", "[a/b/c]"},
    {GET("/rest/../one"), "HTTP/1.1 400", ""},
    {GET("/rest/%2e%2e/one"), "HTTP/1.1 400", ""},
    {GET("/one%00"), "HTTP/1.1 400", ""},
    {GET("/nosuch"), "HTTP/1.1 404", ""},
    {GET("/fails"), "HTTP/1.1 500", "\"status\":500"},
    {POST("/one", "text/plain", "1", "x"), "HTTP/1.1 405", ""},
    {POST("/form", "", "3", "a=1"), "HTTP/1.1 200", " a=1"},
    {POST("/form", "application/json", "2", "{}"), "HTTP/1.1 400", "neither"},
    {POST("/form", "multipart/form-data; boundary=X", "84", PART), "HTTP/1.1 400", "files are not taken"},
    {POST("/file", "multipart/form-data; boundary=X", "84", PART), "HTTP/1.1 200", " file s <script> 5"},
    {POST("/file", "multipart/form-data; boundary=X", "77", PART), "HTTP/1.1 400", "before its last boundary"},
    {POST("/form", "", "99999999999", ""), "HTTP/1.1 413", "\"status\":413"},
    {POST("/form", "", "-1", "a"), "HTTP/1.1 4", ""},
    {POST("/form", "", "abc", "a"), "HTTP/1.1 4", ""},
    {"GET /headers HTTP/1.1\r\nHost: x\r\nCookie: a=b; sid=42; c\r\nConnection: close\r\n\r\n", "HTTP/1.1 200",
     "X-Good: 42"},
    {"rubbish\r\n\r\n", "", ""},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct buf b;
        talk(rows[i].request, strlen(rows[i].request), &b);
        const char *z = buf_z(&b);
        if (strncmp(z, rows[i].status, strlen(rows[i].status)) != 0 || !strstr(z, rows[i].inside))
            fail_msg("row %zu: %.60s\n-> %s", i, rows[i].request, z);
        assert_null(strstr(z, "secret reason"));
        assert_null(strstr(z, "evil"));
        buf_free(&b);
    }
    assert_true(upload_dir_empty());
}

static void test_big_headers(void **state)
{
    struct buf request, b;
    (void)state;

    buf_init(&request, 4 << 20);
    buf_addz(&request, "GET /one HTTP/1.1\r\nHost: x\r\nX: ");
    for (int i = 0; i < 1 << 20; i++)
        buf_u8(&request, 'x');
    buf_addz(&request, "\r\n\r\n");
    talk((char *)request.data, request.len, &b);
    assert_null(strstr(buf_z(&b), " 200 "));
    buf_free(&b);
    buf_clear(&request);
    buf_addz(&request, "GET /");
    for (int i = 0; i < 1 << 20; i++)
        buf_u8(&request, 'x');
    talk((char *)request.data, request.len, &b);
    assert_null(strstr(buf_z(&b), " 200 "));
    buf_free(&b);
    buf_free(&request);
}

/* A thousand clients that never finish their request: others are served all the while. */
static void test_slow_loris(void **state)
{
    static int fds[1000];
    struct buf b;
    (void)state;

    for (size_t i = 0; i < 1000; i++) {
        fds[i] = dial();
        assert_true(send(fds[i], "GET /one HTTP/1.1\r\nX-", 21, MSG_NOSIGNAL) == 21);
    }
    for (int i = 0; i < 20; i++) {
        talk(GET("/one"), strlen(GET("/one")), &b);
        assert_non_null(strstr(buf_z(&b), "200 OK"));
        buf_free(&b);
    }
    for (size_t i = 0; i < 1000; i++)
        close(fds[i]);
}

/* An upload that is cut off leaves no file. */
static void test_cut_upload(void **state)
{
    static const char begin[] = "POST /file HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=X\r\n"
                                "Content-Length: 5000\r\n\r\n--X\r\nContent-Disposition: form-data; name=\"s\"; "
                                "filename=\"f\"\r\n\r\nabc";
    int fd = dial();
    (void)state;

    assert_true(send(fd, begin, sizeof(begin) - 1, MSG_NOSIGNAL) > 0);
    for (int i = 0; i < 200 && upload_dir_empty(); i++)
        poll(NULL, 0, 10);
    assert_false(upload_dir_empty());
    close(fd);
    for (int i = 0; i < 500 && !upload_dir_empty(); i++)
        poll(NULL, 0, 10);
    assert_true(upload_dir_empty());
}

static void test_listen(void **state)
{
    static const char *const bad[] = {"",        "8080",     "localhost:80", "127.0.0.1", "127.0.0.1:99999",
                                      "[::1:80", "1.2.3.4:x"};
    int fd;
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(http_listen(bad[i], &fd, NULL, NULL), ERR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),       cmocka_unit_test(test_big_headers), cmocka_unit_test(test_slow_loris),
        cmocka_unit_test(test_cut_upload), cmocka_unit_test(test_listen),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
