#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Names, a web request, a raw connection and a datagram; documentation addresses only.
import socket
import urllib.request

print(socket.gethostbyname("c2.botnet.example"))
print(urllib.request.urlopen("http://files.botnet.example/config.txt", timeout=10).read(100))
s = socket.create_connection(("198.51.100.23", 4444), timeout=10)
s.sendall(b"HELLO 0001\n")
s.close()
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.sendto(b"ping", ("192.0.2.55", 9999))
