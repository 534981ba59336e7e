#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# What a build's configure step does: looks for programs, tries small things, writes a header.
cd "$(mktemp -d)" || exit 1
for program in cc gcc make awk sed perl python3 install; do
    if command -v "$program" >/dev/null 2>&1; then echo "checking for $program... yes"; else echo "checking for $program... no"; fi
done
echo "checking build system type... $(uname -m)-$(uname -s)"
echo "int main(void) { return 0; }" > conftest.c
(test -f conftest.c && rm -f conftest.c) || exit 1
printf '#define HAVE_PERL 1\n#define VERSION "1.0"\n' > config.h
sed -e 's/@prefix@/\/usr\/local/' > Makefile <<'X'
prefix = @prefix@
all:
X
cat config.h Makefile
