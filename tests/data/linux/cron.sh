#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Synthetic and harmless: an entry for every minute that tells when it runs twice in a minute, or late in it.
cat >/usr/local/bin/cron-tick <<'END'
#!/bin/sh
minute=$(date +%H%M) second=$(date +%S)
mkdir "/var/tmp/seen-$minute" || echo "$second" >"/var/tmp/twice-$minute"
[ "${second#0}" -lt 30 ] || echo "$second" >"/var/tmp/late-$minute"
echo "$second" >"/var/tmp/tick-$minute"
END
chmod 755 /usr/local/bin/cron-tick
echo '* * * * * root /usr/local/bin/cron-tick' >/etc/cron.d/tick
n=0
until ls /var/tmp/tick-* >/dev/null 2>&1 || [ $n -ge 66 ]; do
    n=$((n + 1))
    sleep 1
done
sleep 3
rm -f /etc/cron.d/tick
