#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# T1071.001 Web Protocols: calls home by HTTP several times, each time with a fixed agent name.
import time
import urllib.request

for i in range(4):
    request = urllib.request.Request(f"http://198.51.100.44/status?id=7f3a&n={i}",
                                     headers={"User-Agent": "Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1)"})
    try:
        urllib.request.urlopen(request, timeout=5).read()
    except OSError:
        pass
    time.sleep(2)
