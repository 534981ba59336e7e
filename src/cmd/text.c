/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/text.h"

#include <poll.h>

bool text_reader_gone(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    return poll(&p, 1, 0) == 1 && p.revents & (POLLERR | POLLHUP);
}

void text_print(FILE *to, struct str s)
{
    for (size_t i = 0; i < s.n;) {
        int n = utf8_len(s.p + i, s.n - i);
        unsigned char c = (unsigned char)s.p[i];
        if (n == 0 || c < 0x20 || c == 0x7f) {
            fprintf(to, "\\x%02x", c);
            i++;
        } else if (n == 2 && c == 0xc2 && (unsigned char)s.p[i + 1] < 0xa0) {
            /* U+0080..U+009F: control characters of 8 bits; terminals obey them (U+009B is ESC [) */
            fprintf(to, "\\u%04x", (unsigned char)s.p[i + 1]);
            i += 2;
        } else if (n == 3 && c == 0xe2 && ((unsigned char)s.p[i + 1] == 0x80 || (unsigned char)s.p[i + 1] == 0x81)) {
            /* U+2000..U+207F: general punctuation, bidirectional controls among it */
            fprintf(to, "\\u%04x", (c & 0x0f) << 12 | (s.p[i + 1] & 0x3f) << 6 | (s.p[i + 2] & 0x3f));
            i += 3;
        } else {
            fwrite(s.p + i, 1, (size_t)n, to);
            i += (size_t)n;
        }
    }
}
