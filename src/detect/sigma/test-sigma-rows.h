/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rows of test-sigma.c: {detection, event, wanted}. */
/* clang-format off */
{"{s: {A: abc}, condition: s}", "{A: abc}", "yes"},
{"{s: {A: abc}, condition: s}", "{A: ABC}", "yes"},
{"{s: {A: abc}, condition: s}", "{A: abcd}", "no"},
{"{s: {A: abc}, condition: s}", "{B: abc}", "no"},
{"{s: {A|contains: abc}, condition: s}", "{A: xABCx}", "yes"},
{"{s: {A|contains: abc}, condition: s}", "{A: xABx}", "no"},
{"{s: {A|startswith: abc}, condition: s}", "{A: abcx}", "yes"},
{"{s: {A|endswith: abc}, condition: s}", "{A: abcx}", "no"},
{"{s: {A: abc}, condition: not s}", "{B: abc}", "yes"},
{"{s: {A: abc}, f: {B: x}, condition: s and not f}", "{A: abc, B: x}", "no"},
{"{s: {A|contains: abc}, condition: s | count() > 5}", NULL, "deprecated"},
{"{s: {A|foo: abc}, condition: s}", NULL, "unknown modifier 'foo'"},
    /* clang-format on */
