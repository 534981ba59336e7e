/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The report viewer (web/), bundled at build; web/build.mjs makes the data. */
#ifndef BELLJAR_REPORT_VIEWER_H
#define BELLJAR_REPORT_VIEWER_H

#include <stddef.h>

extern const unsigned char viewer_js[], viewer_css[];
extern const size_t viewer_js_size, viewer_css_size;

#endif
