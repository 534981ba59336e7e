#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# T1690 Prevent Command History Logging: done in another way than in tests/data/techniques, or there not at all.
unset HISTFILE; set +o history; echo 'export HISTFILESIZE=0' >> ~/.bashrc; ln -sf /dev/null ~/.bash_history
