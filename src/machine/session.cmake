# SPDX-License-Identifier: GPL-3.0-or-later
# Tests of the host's end of the agent channel.
bj_test(session SOURCES test-session.c DEPS bj_machine)
bj_fuzzer(session SOURCES fuzz-session.c DEPS bj_machine)
bj_test(guest-clock SOURCES test-guest-clock.c DEPS bj_machine)
