/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * YARA as a kind of rules (detect/rulekind.h), with the tests of rules.
 *
 * Beside NAME.yar lies NAME.test.yml, a list of
 *
 *   - rule: Miner_Pool               # a rule of NAME.yar
 *     match:                         # must hit; at least one
 *       - text: "stratum+tcp://pool"
 *       - hex: "7f 45 4c 46"         # white space is allowed
 *         pad: 4096                  # zero bytes up to this size
 *     nomatch:                       # must not hit; at least one
 *       - base64: "c3RyYXR1bQ=="
 *         filename: notes.txt        # the externals filename, filepath and extension
 *         repeat: 3                  # the same bytes so many times
 *       - parts:                     # one behind the other
 *           - hex: "7f454c46"
 *             pad: 64
 *           - text: "x"
 *
 * An item that is only a text is `text`. Every rule that is not private needs a
 * positive and a negative test. A test sees its rule as it is used: all rules of
 * the set are compiled together.
 *
 * libyara compiles and scans in this process: the set belongs into a jail.
 */
#ifndef BELLJAR_DETECT_YARA_KIND_H
#define BELLJAR_DETECT_YARA_KIND_H

#include "detect/rulekind.h"

#define YARA_TEST_BYTES_MAX (32u << 20) /* of one item */

extern const struct rulekind yara_rulekind;

#endif
