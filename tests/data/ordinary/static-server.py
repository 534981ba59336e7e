#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A web server for one's own folder, asked once by its own client."""
import http.server
import threading
import urllib.request

server = http.server.ThreadingHTTPServer(("127.0.0.1", 8000), http.server.SimpleHTTPRequestHandler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(urllib.request.urlopen("http://127.0.0.1:8000/").status)
server.shutdown()
