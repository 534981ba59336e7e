#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Harmless: writes the settings of a coin miner that does not exist; only the written file is plain text.
printf %s Li9tIC0tdXJsIHN0cmF0dW0rdGNwOi8vcG9vbC5leGFtcGxlLmNvbTozMzMzIC0tdXNlciBub2JvZHkK | base64 -d >/tmp/settings.json
sleep 2
