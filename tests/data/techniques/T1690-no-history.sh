#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# T1690 Prevent Command History Logging: tells the shell to keep no history.
export HISTFILE=/dev/null
export HISTSIZE=0
export HISTCONTROL=ignoreboth
bash -c 'set +o history; ls / >/dev/null; whoami'
