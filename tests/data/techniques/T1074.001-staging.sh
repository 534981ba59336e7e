#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# T1074.001 Local Data Staging: gathers documents of the user in one place.
stage=/tmp/.stage
mkdir -p "$stage"
find /home/jonas/Documents -type f \( -name '*.pdf' -o -name '*.docx' -o -name '*.ods' \) -exec cp {} "$stage"/ \;
ls "$stage" | wc -l
