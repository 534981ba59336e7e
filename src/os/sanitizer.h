/* SPDX-License-Identifier: GPL-3.0-or-later */
/* OS_SANITIZED: 1 in builds with AddressSanitizer (gcc and clang say so differently), which needs more from the kernel.
 */
#ifndef BELLJAR_OS_SANITIZER_H
#define BELLJAR_OS_SANITIZER_H

#if defined(__SANITIZE_ADDRESS__)
#define OS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define OS_SANITIZED 1
#endif
#endif

#ifndef OS_SANITIZED
#define OS_SANITIZED 0
#endif

#endif
