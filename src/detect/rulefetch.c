/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/rulefetch.h"

#include "base/str.h"
#include "os/file.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define CONNECT_SECONDS 30
#define SLOW_BYTES 64 /* a second, for SLOW_SECONDS: given up */
#define SLOW_SECONDS 60

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void begin(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

bool rulefetch_is_url(const char *source)
{
    size_t n = strspn(source, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-");
    return n > 0 && strncmp(source + n, "://", 3) == 0;
}

struct fetch {
    int fd;
    uint64_t have, max;
    bool too_much, disk;
};

static size_t take(char *p, size_t one, size_t n, void *context)
{
    struct fetch *f = context;
    n *= one;
    f->too_much = n > f->max - f->have;
    if (f->too_much)
        return 0;
    f->disk = file_write_all(f->fd, p, n) < 0;
    f->have += n;
    return f->disk ? 0 : n;
}

static int outcome(CURL *c, CURLcode r, const struct fetch *f, const char *url, const char *text, struct err *e)
{
    long status = 0;
    const char *elsewhere = NULL;
    if (f->too_much)
        return err_set(e, ERR_LIMIT, "%s is larger than %llu bytes", url, (unsigned long long)f->max);
    if (f->disk)
        return err_set(e, -EIO, "cannot keep what %s sent: no room on the disk?", url);
    if (r == CURLE_UNSUPPORTED_PROTOCOL)
        return err_set(e, ERR_UNSUPPORTED, "%s: only http and https are fetched", url);
    if (r != CURLE_OK)
        return err_set(e, ERR_PEER, "cannot fetch %s: %s", url, *text ? text : curl_easy_strerror(r));
    curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(c, CURLINFO_REDIRECT_URL, &elsewhere);
    if (status >= 300 && status < 400)
        return err_set(e, ERR_PEER, "%s sends on to %s: give that address if you trust it", url,
                       elsewhere ? elsewhere : "another place");
    if (status != 200)
        return err_set(e, ERR_PEER, "cannot fetch %s: the server answered %ld", url, status);
    return f->have ? 0 : err_set(e, ERR_PEER, "%s is empty", url);
}

int rulefetch_to_fd(const char *url, uint64_t max, int fd, struct err *e)
{
    struct fetch f = {.fd = fd, .max = max};
    char text[CURL_ERROR_SIZE] = "";
    pthread_once(&once, begin);
    CURL *c = curl_easy_init();
    if (!c)
        return err_set(e, -ENOMEM, "no memory to fetch %s", url);
    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)RULEFETCH_SECONDS_MAX);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, (long)SLOW_BYTES);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)SLOW_SECONDS);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "belljar");
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, text);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, &f);
    CURLcode r = curl_easy_perform(c);
    int rc = outcome(c, r, &f, url, text, e);
    curl_easy_cleanup(c);
    if (rc == 0 && lseek(fd, 0, SEEK_SET) < 0)
        rc = err_errno(e, "cannot read what %s sent", url);
    return rc;
}
