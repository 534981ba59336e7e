#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fills a fresh system with the traces of a person who has used it for years.

Runs inside the new root (with the guest's own interpreter) and is deleted
afterwards. A fixed seed: every build makes the same files. Nothing here is
true of anybody; keys and passwords open nothing.
"""
import base64
import os
import random
import sqlite3
import struct
import time
import zipfile
import zlib

rnd = random.Random(1949)
HOME = "/home/jonas"
YEAR = 365 * 86400
NOW = time.time()
OLDEST = NOW - 5 * YEAR

WORDS = """the project budget meeting invoice contract delivery customer quarter report plan garden holiday family school
insurance car house energy water heating tax letter answer question offer price order supplier material measure schedule
team review decision risk result quality figure table summary next week month year Monday Tuesday Friday Munich Hamburg
Cologne Berlin please check confirm send sign return agree remind pay transfer account number date total amount open
closed new old first second final draft version note important private internal support server backup network""".split()
NAMES = ["Anna Weber", "Lukas Brandt", "Sophie Keller", "Paul Hartmann", "Mia Vogel", "Felix Schuster", "Laura Engel",
         "Tim Ackermann", "Nina Pohl", "David Reuter", "Eva Lindner", "Marek Nowak"]


def sentence():
    n = rnd.randint(6, 16)
    return " ".join(rnd.choice(WORDS) for _ in range(n)).capitalize() + "."


def text(paragraphs):
    return "\n\n".join(" ".join(sentence() for _ in range(rnd.randint(2, 7))) for _ in range(paragraphs))


def put(path, data, mode=0o644, age=None):
    path = path if path.startswith("/") else os.path.join(HOME, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data if isinstance(data, bytes) else data.encode())
    os.chmod(path, mode)
    when = NOW - age * 86400 if age is not None else rnd.uniform(OLDEST, NOW - 2 * 86400)
    os.utime(path, (when + rnd.uniform(0, 86400), when))
    return path


# ---- file formats ----

def pdf(title, pages):
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", None, b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    kids = []
    for _ in range(pages):
        lines = ["BT /F1 11 Tf 60 780 Td 14 TL (%s) Tj T*" % title]
        lines += ["(%s) Tj T*" % sentence() for _ in range(45)] + ["ET"]
        body = zlib.compress("\n".join(lines).encode())
        objects.append(b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(body), body))
        objects.append(b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R "
                       b"/Resources << /Font << /F1 3 0 R >> >> >>" % len(objects))
        kids.append(b"%d 0 R" % len(objects))
    objects[1] = b"<< /Type /Pages /Count %d /Kids [%s] >>" % (pages, b" ".join(kids))
    out, offsets = b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n", []
    for i, o in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (i, o)
    xref = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % o for o in offsets)
    return out + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, xref)


def zipped(members):
    import io
    b = io.BytesIO()
    with zipfile.ZipFile(b, "w", zipfile.ZIP_DEFLATED) as z:
        for name, data, packed in members:
            z.writestr(zipfile.ZipInfo(name, (2021, 3, 4, 10, 12, 30)), data,
                       zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED)
    return b.getvalue()


def docx(paragraphs):
    w = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    body = "".join("<w:p><w:r><w:t>%s</w:t></w:r></w:p>" % " ".join(sentence() for _ in range(4)) for _ in range(paragraphs))
    return zipped([
        ("[Content_Types].xml", '<?xml version="1.0" encoding="UTF-8" standalone="yes"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>', True),
        ("_rels/.rels", '<?xml version="1.0" encoding="UTF-8" standalone="yes"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>', True),
        ("word/document.xml", '<?xml version="1.0" encoding="UTF-8" standalone="yes"?><w:document xmlns:w="%s"><w:body>%s</w:body></w:document>' % (w, body), True)])


def odt(kind, body):
    mime = "application/vnd.oasis.opendocument." + kind
    ns = "".join(' xmlns:%s="urn:oasis:names:tc:opendocument:xmlns:%s:1.0"' % (n, n) for n in ("office", "text", "table"))
    return zipped([
        ("mimetype", mime, False),
        ("content.xml", '<?xml version="1.0" encoding="UTF-8"?><office:document-content%s office:version="1.2"><office:body>%s</office:body></office:document-content>' % (ns, body), True),
        ("META-INF/manifest.xml", '<?xml version="1.0" encoding="UTF-8"?><manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"><manifest:file-entry manifest:full-path="/" manifest:media-type="%s"/><manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>' % mime, True)])


DC_BITS = [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0]  # the usual luminance table of JPEG, annex K.3


def jpeg(width, height, seed):
    """A real baseline JPEG in greys: only DC coefficients, so a soft landscape of 8x8 tiles."""
    r = random.Random(seed)
    codes, code, value = {}, 0, 0
    for length, count in enumerate(DC_BITS, 1):
        for _ in range(count):
            codes[value] = (code, length)
            code, value = code + 1, value + 1
        code <<= 1
    acc = bits = 0
    out = bytearray()

    def emit(v, n):
        nonlocal acc, bits
        acc, bits = (acc << n) | v, bits + n
        while bits >= 8:
            byte = (acc >> (bits - 8)) & 255
            out.append(byte)
            if byte == 255:
                out.append(0)
            bits -= 8
        acc &= (1 << bits) - 1

    last = 0
    hill = height // 8 * 2 // 3
    for y in range(height // 8):
        for x in range(width // 8):
            level = 60 - y * 2 if y < hill + r.randint(-2, 2) else -70 + (y - hill) + r.randint(-15, 15)
            level = max(-120, min(120, level + r.randint(-4, 4)))
            diff, last = level - last, level
            size = abs(diff).bit_length()
            emit(*codes[size])
            if size:
                emit(diff if diff > 0 else diff + (1 << size) - 1, size)
            emit(0, 1)  # end of block: the only code of our AC table
    emit((1 << 7) - 1, 7)

    def segment(marker, data):
        return bytes((255, marker)) + struct.pack(">H", len(data) + 2) + data
    return (b"\xff\xd8" + segment(0xe0, b"JFIF\0\1\1\1\0\x48\0\x48\0\0") + segment(0xdb, b"\0" + bytes([8] * 64)) +
            segment(0xc0, struct.pack(">BHHB", 8, height // 8 * 8, width // 8 * 8, 1) + b"\1\x11\0") +
            segment(0xc4, b"\0" + bytes(DC_BITS) + bytes(range(12))) +
            segment(0xc4, b"\x10" + bytes([1] + [0] * 15) + b"\0") +
            segment(0xda, b"\1\1\0\0\x3f\0") + bytes(out) + b"\xff\xd9")


# ---- the home folder ----

def documents():
    for year in range(2019, 2026):
        put("Documents/tax/%d/income-tax-%d.pdf" % (year, year), pdf("Income tax declaration %d" % year, rnd.randint(3, 9)))
        rows = ["date;text;amount;balance"]
        balance = 2400.0
        for i in range(rnd.randint(150, 400)):
            amount = round(rnd.choice([-1, -1, -1, 1.9]) * rnd.uniform(4, 260), 2)
            balance += amount
            rows.append("%04d-%02d-%02d;%s;%.2f;%.2f" % (year, 1 + i % 12, 1 + i % 28, rnd.choice(NAMES), amount, balance))
        put("Documents/bank/statement-%d.csv" % year, "\n".join(rows) + "\n")
    for i, topic in enumerate(["offer", "contract", "minutes", "concept", "application", "rental-agreement", "cv", "reference"]):
        put("Documents/projects/%s-%d.docx" % (topic, 2020 + i % 5), docx(rnd.randint(10, 120)))
        body = "".join("<text:p>%s</text:p>" % " ".join(sentence() for _ in range(5)) for _ in range(rnd.randint(8, 90)))
        put("Documents/letters/%s.odt" % topic, odt("text", "<office:text>%s</office:text>" % body))
    for name in ("household", "hours-2024", "hours-2025", "inventory"):
        cells = "".join("<table:table-row>" + "".join("<table:table-cell office:value-type=\"float\" office:value=\"%d\"><text:p>%d</text:p></table:table-cell>" % (v, v) for v in (rnd.randint(1, 900) for _ in range(6))) + "</table:table-row>" for _ in range(rnd.randint(40, 300)))
        put("Documents/%s.ods" % name, odt("spreadsheet", "<office:spreadsheet><table:table table:name=\"Sheet1\">%s</table:table></office:spreadsheet>" % cells))
    for i in range(14):
        put("Documents/notes/%s-%02d.txt" % (rnd.choice(["todo", "ideas", "call", "meeting", "recipe"]), i), text(rnd.randint(1, 12)) + "\n")
    for i in range(8):
        put("Documents/invoices/invoice-%d-%04d.pdf" % (2022 + i % 4, rnd.randint(100, 4999)), pdf("Invoice", rnd.randint(1, 3)))
    put("Documents/passwords.txt", "wifi  Kirschbaum-77-tal\nrouter admin / fritz2291\nmail jonas.lindner  Sommer2019!\nbank pin in the blue folder\n", 0o600)
    put("Documents/contacts.csv", "name,phone,mail\n" + "".join("%s,+49 89 %d,%s@example.org\n" % (n, rnd.randint(100000, 999999), n.lower().replace(" ", ".")) for n in NAMES))
    put("Documents/wallet-backup.txt", "seed (do not lose!)\n" + " ".join(rnd.choice(WORDS).lower() for _ in range(12)) + "\n", 0o600)
    put("Documents/keepass/private.kdbx", b"\x03\xd9\xa2\x9a\x67\xfb\x4b\xb5\x01\x00\x04\x00" + rnd.randbytes(38112), 0o600)


def pictures():
    for year, place, count in ((2021, "Bodensee", 7), (2022, "Norway", 9), (2023, "Anna-birthday", 6), (2024, "house", 5)):
        for i in range(count):
            w, h = rnd.choice([(1600, 1200), (2048, 1536), (3264, 2448)])
            put("Pictures/%d-%s/IMG_%04d.jpg" % (year, place, rnd.randint(1000, 9000)), jpeg(w, h, rnd.random()))
    put("Pictures/avatar.jpg", jpeg(256, 256, 3))
    put("Downloads/debian-reference.en.pdf", pdf("Debian Reference", 40))
    put("Downloads/timetable.pdf", pdf("Timetable", 2))
    put("Downloads/photos-from-eva.zip", zipped([("p%d.jpg" % i, jpeg(1024, 768, i), False) for i in range(6)]))
    put("Downloads/router-config-2023.export", text(30))
    put("Music/playlist.m3u", "".join("%02d - %s.ogg\n" % (i, sentence()[:24]) for i in range(40)))


def sql(path, statements, rows=()):
    path = os.path.join(HOME, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    db = sqlite3.connect(path)
    for s in statements:
        db.execute(s)
    for s, values in rows:
        db.execute(s, values)
    db.commit()
    db.close()
    os.chmod(path, 0o600)
    when = NOW - rnd.uniform(3, 40) * 86400
    os.utime(path, (when, when))


SITES = ["https://www.example.com/", "https://mail.example.org/", "https://bank.example.net/login", "https://shop.example.com/",
         "https://forum.example.org/viewtopic", "https://news.example.net/", "https://git.example.com/"]


def browsers():
    import json
    ff = ".mozilla/firefox/x7k2q9vd.default-release"
    put(".mozilla/firefox/profiles.ini", "[Profile0]\nName=default-release\nIsRelative=1\nPath=x7k2q9vd.default-release\nDefault=1\n\n[General]\nStartWithLastProfile=1\nVersion=2\n", age=700)
    logins = [{"id": i, "hostname": s.split("/login")[0].rstrip("/"), "httpRealm": None, "formSubmitURL": s,
               "usernameField": "user", "passwordField": "pass",
               "encryptedUsername": base64.b64encode(rnd.randbytes(58)).decode(),
               "encryptedPassword": base64.b64encode(rnd.randbytes(66)).decode(),
               "guid": "{%08x-%04x-4%03x-a%03x-%012x}" % (rnd.getrandbits(32), rnd.getrandbits(16), rnd.getrandbits(12), rnd.getrandbits(12), rnd.getrandbits(48)),
               "encType": 1, "timeCreated": int((NOW - 4e7) * 1000), "timesUsed": rnd.randint(1, 90)} for i, s in enumerate(SITES[1:4], 1)]
    put(ff + "/logins.json", json.dumps({"nextId": 4, "logins": logins, "version": 3}), 0o600, 30)
    put(ff + "/prefs.js", 'user_pref("browser.startup.homepage", "https://www.example.com/");\nuser_pref("intl.locale.requested", "de");\n', 0o600, 9)
    sql(ff + "/key4.db", ["CREATE TABLE metaData (id PRIMARY KEY UNIQUE ON CONFLICT REPLACE, item1, item2)", "CREATE TABLE nssPrivate (id PRIMARY KEY UNIQUE ON CONFLICT ABORT, a0, a1, a2, a11, a102)"],
        [("INSERT INTO metaData VALUES('password',?,?)", (rnd.randbytes(20), rnd.randbytes(118))), ("INSERT INTO nssPrivate VALUES(1,?,?,?,?,?)", tuple(rnd.randbytes(32) for _ in range(5)))])
    sql(ff + "/cookies.sqlite", ["CREATE TABLE moz_cookies (id INTEGER PRIMARY KEY, originAttributes TEXT NOT NULL DEFAULT '', name TEXT, value TEXT, host TEXT, path TEXT, expiry INTEGER, lastAccessed INTEGER, creationTime INTEGER, isSecure INTEGER, isHttpOnly INTEGER)"],
        [("INSERT INTO moz_cookies(name,value,host,path,expiry,lastAccessed,creationTime,isSecure,isHttpOnly) VALUES(?,?,?,'/',?,?,?,1,1)", (rnd.choice(["session", "sid", "_ga", "token", "lang"]), rnd.randbytes(16).hex(), s.split("/")[2], int(NOW + YEAR), int(NOW * 1e6), int((NOW - YEAR) * 1e6))) for s in SITES * 12])
    sql(ff + "/places.sqlite", ["CREATE TABLE moz_places (id INTEGER PRIMARY KEY, url LONGVARCHAR, title LONGVARCHAR, rev_host LONGVARCHAR, visit_count INTEGER DEFAULT 0, last_visit_date INTEGER)"],
        [("INSERT INTO moz_places(url,title,visit_count,last_visit_date) VALUES(?,?,?,?)", (rnd.choice(SITES) + "?p=%d" % i, sentence(), rnd.randint(1, 60), int((NOW - rnd.uniform(1, 300) * 86400) * 1e6))) for i in range(400)])
    cr = ".config/google-chrome/Default"
    sql(cr + "/Login Data", ["CREATE TABLE logins (origin_url VARCHAR NOT NULL, action_url VARCHAR, username_element VARCHAR, username_value VARCHAR, password_element VARCHAR, password_value BLOB, signon_realm VARCHAR NOT NULL, date_created INTEGER NOT NULL)"],
        [("INSERT INTO logins VALUES(?,?,'user','jonas.lindner','pass',?,?,?)", (s, s, b"v11" + rnd.randbytes(32), s, 13300000000000000 + rnd.getrandbits(40))) for s in SITES[:5]])
    sql(cr + "/Cookies", ["CREATE TABLE cookies (creation_utc INTEGER NOT NULL, host_key TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, encrypted_value BLOB NOT NULL, path TEXT NOT NULL, expires_utc INTEGER NOT NULL)"],
        [("INSERT INTO cookies VALUES(?,?,?,'',?,'/',?)", (13300000000000000, s.split("/")[2], "sid", b"v11" + rnd.randbytes(48), 13400000000000000)) for s in SITES])
    sql(cr + "/History", ["CREATE TABLE urls (id INTEGER PRIMARY KEY AUTOINCREMENT, url LONGVARCHAR, title LONGVARCHAR, visit_count INTEGER, last_visit_time INTEGER)"],
        [("INSERT INTO urls(url,title,visit_count,last_visit_time) VALUES(?,?,?,?)", (rnd.choice(SITES), sentence(), 2, 13300000000000000)) for _ in range(120)])
    put(".config/google-chrome/Local State", json.dumps({"os_crypt": {"encrypted_key": base64.b64encode(rnd.randbytes(64)).decode()}}), 0o600, 20)


HISTORY = """ls -la
cd Documents
df -h
sudo apt update
sudo apt upgrade
ssh backup@nas.fritz.box
rsync -av Pictures/ nas:/volume1/photos/
git clone https://git.example.com/jonas/heating-log.git
cd heating-log
python3 read_meter.py --last 7
vi config.yml
git commit -am "read the meter every hour"
git push
top
journalctl -u cron --since today
crontab -e
scp invoice-2024-0231.pdf anna@web01.example.org:
ping nas.fritz.box
curl -s https://www.example.com/api/status
tar czf /srv/backup/home.tar.gz Documents Pictures
sudo systemctl restart cron
history | grep rsync
mysql -u shop -pKlee2020 shop < dump.sql
export AWS_PROFILE=private
aws s3 ls s3://lindner-photos
nmcli device
man rsync
exit
""".splitlines()


def habits():
    put(".bash_history", "\n".join(rnd.choice(HISTORY) for _ in range(420)) + "\n", 0o600, 2)
    put("/root/.bash_history", "\n".join(["apt update", "apt full-upgrade", "journalctl -b -p err", "df -h", "visudo", "cat /etc/shadow | grep jonas", "systemctl status rsyslog", "reboot"] * 9) + "\n", 0o600, 6)
    put(".gitconfig", "[user]\n\tname = Jonas Lindner\n\temail = jonas.lindner@example.org\n[pull]\n\trebase = true\n[credential]\n\thelper = store\n", age=900)
    put(".git-credentials", "https://jonas:ghp_%s@git.example.com\n" % rnd.randbytes(18).hex(), 0o600, 300)
    put(".vimrc", "set number\nsyntax on\nset expandtab shiftwidth=4\n", age=1300)
    put(".netrc", "machine ftp.example.net login jonas password Waldweg12\n", 0o600, 800)
    put(".pgpass", "db01.example.org:5432:shop:jonas:Klee2020\n", 0o600, 500)
    put(".aws/credentials", "[private]\naws_access_key_id = AKIA%s\naws_secret_access_key = %s\n" % ("".join(rnd.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") for _ in range(16)), base64.b64encode(rnd.randbytes(30)).decode()), 0o600, 200)
    put(".aws/config", "[profile private]\nregion = eu-central-1\n", 0o600, 200)
    put(".docker/config.json", '{"auths": {"registry.example.com": {"auth": "%s"}}}\n' % base64.b64encode(b"jonas:Waldweg12").decode(), 0o600, 330)
    put(".kube/config", "apiVersion: v1\nkind: Config\nclusters:\n- name: home\n  cluster:\n    server: https://192.168.178.40:6443\nusers:\n- name: jonas\n  user:\n    token: %s\n" % rnd.randbytes(24).hex(), 0o600, 330)
    put(".ssh/config", "Host nas\n  HostName nas.fritz.box\n  User backup\n\nHost web01\n  HostName web01.example.org\n  User jonas\n  IdentityFile ~/.ssh/id_ed25519\n", 0o600, 600)
    hosts = ["nas.fritz.box", "192.168.178.20", "web01.example.org", "db01.example.org", "git.example.com"]
    put(".ssh/known_hosts", "".join("%s ssh-ed25519 %s\n" % (h, base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0 " + rnd.randbytes(32)).decode()) for h in hosts), 0o600, 50)
    put(".ssh/authorized_keys", "ssh-ed25519 %s jonas@old-laptop\n" % base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0 " + rnd.randbytes(32)).decode(), 0o600, 1000)
    os.chmod(os.path.join(HOME, ".ssh"), 0o700)
    put(".thunderbird/profiles.ini", "[Profile0]\nName=default\nIsRelative=1\nPath=u2h1f7wz.default\n", 0o600, 800)
    mails = "".join("From %s@example.org Mon Mar  3 09:%02d:11 2025\nFrom: %s\nTo: jonas@atlas\nSubject: %s\n\n%s\n\n" % (n.split()[0].lower(), i % 60, n, sentence(), text(2)) for i, n in enumerate(NAMES * 4))
    put(".thunderbird/u2h1f7wz.default/Mail/Local Folders/Inbox", mails, 0o600, 3)
    put("/var/mail/jonas", "From root@atlas Sun Jan 12 06:25:04 2025\nFrom: Cron Daemon <root@atlas>\nTo: jonas@atlas\nSubject: Cron <jonas@atlas> ~/bin/backup.sh\n\nsent 48,112 bytes  received 1,204 bytes\n\n", 0o660, 20)
    put("bin/backup.sh", "#!/bin/sh\n# photos and papers to the box in the cellar\nrsync -a --delete \"$HOME/Documents\" \"$HOME/Pictures\" nas:/volume1/jonas/\n", 0o755, 700)
    put("projects/heating-log/read_meter.py", "#!/usr/bin/env python3\nimport csv, sys\n\n\ndef main():\n    with open('meter.csv') as f:\n        for row in csv.reader(f):\n            print(row[0], float(row[1]) / 1000)\n\n\nif __name__ == '__main__':\n    sys.exit(main())\n", age=400)
    put("projects/heating-log/meter.csv", "".join("2025-%02d-%02d %02d:00,%d\n" % (1 + i // 672 % 12, 1 + i // 24 % 28, i % 24, 410000 + i * 3) for i in range(4000)), age=10)
    put("projects/shop/config.php", "<?php\n$db = ['host' => 'db01.example.org', 'user' => 'shop', 'pass' => 'Klee2020'];\n", 0o640, 600)
    put("projects/shop/.env", "DB_PASSWORD=Klee2020\nSECRET_KEY=%s\n" % rnd.randbytes(20).hex(), 0o600, 600)
    put("projects/shop/dump.sql", "".join("INSERT INTO customers VALUES (%d,'%s','%d.00');\n" % (i, rnd.choice(NAMES), rnd.randint(1, 900)) for i in range(2500)), age=620)
    put("/var/spool/cron/crontabs/jonas", "# m h  dom mon dow   command\n30 2 * * * $HOME/bin/backup.sh\n0 7 1 * * find $HOME/Downloads -mtime +365 -ls\n", 0o600, 700)


# ---- the system ----

def log_lines(days, per_day, make):
    lines = []
    for d in range(days, 0, -1):
        for _ in range(per_day):
            lines.append(NOW - d * 86400 + rnd.uniform(0, 86000))
    return "".join("%s atlas %s\n" % (time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(t)) + ".%06d+02:00" % rnd.randint(0, 999999), make()) for t in sorted(lines))


def system():
    put("/var/www/html/index.html", "<!doctype html><html><head><title>atlas</title></head><body><h1>It works</h1><p>Family photos are <a href=\"/photos/\">here</a>.</p></body></html>\n", age=900)
    for i in range(4):
        put("/var/www/html/photos/p%02d.jpg" % i, jpeg(800, 600, i + 50))
    put("/var/www/html/shop/config.inc.php", "<?php define('DB_PASS', 'Klee2020');\n", 0o640, 600)
    cron = lambda: "CRON[%d]: (%s) CMD (%s)" % (rnd.randint(900, 32000), *rnd.choice([("root", "   cd / && run-parts --report /etc/cron.hourly"), ("jonas", "$HOME/bin/backup.sh")]))
    syslog = lambda: rnd.choice([cron, lambda: "systemd[1]: Started session-%d.scope - Session %d of User jonas." % ((rnd.randint(2, 900),) * 2), lambda: "kernel: usb 1-%d: new high-speed USB device number %d using xhci_hcd" % (rnd.randint(1, 4), rnd.randint(2, 30)), lambda: "systemd-networkd[311]: ens3: Gained carrier", lambda: "rsyslogd: imuxsock: Acquired UNIX socket '/run/systemd/journal/syslog' (fd 3) from systemd."])()
    auth = lambda: rnd.choice([lambda: "sudo:    jonas : TTY=pts/%d ; PWD=/home/jonas ; USER=root ; COMMAND=/usr/bin/apt upgrade" % rnd.randint(0, 3), lambda: "login[%d]: pam_unix(login:session): session opened for user jonas(uid=1000) by jonas(uid=0)" % rnd.randint(400, 30000), lambda: "CRON[%d]: pam_unix(cron:session): session opened for user root(uid=0) by root(uid=0)" % rnd.randint(400, 30000)])()
    put("/var/log/syslog", log_lines(6, 160, syslog), 0o640, 1)
    put("/var/log/auth.log", log_lines(6, 40, auth), 0o640, 1)
    put("/var/log/kern.log", log_lines(6, 12, lambda: "kernel: [%d.%06d] perf: interrupt took too long" % (rnd.randint(10, 90000), rnd.randint(0, 999999))), 0o640, 1)
    put("/var/log/cron.log", log_lines(6, 26, cron), 0o640, 1)
    for n in (1, 2):
        put("/var/log/syslog.%d" % n, log_lines(7, 150, syslog), 0o640, 7 * n + 1)
        put("/var/log/auth.log.%d" % n, log_lines(7, 40, auth), 0o640, 7 * n + 1)
    put("/var/log/apt/history.log", "".join("\nStart-Date: %s\nCommandline: apt upgrade\nRequested-By: jonas (1000)\nUpgrade: openssl:amd64 (3.5.%d-1, 3.5.%d-1)\nEnd-Date: %s\n" % (d, i, i + 1, d) for i, d in enumerate(["2025-08-14  19:12:40", "2025-09-02  20:01:13", "2025-10-11  09:44:02"])), 0o644, 30)
    # utmp(5) records: 384 bytes on 64-bit systems
    records = b""
    for i in range(60):
        when = int(NOW - (60 - i) * 86400 * 3)
        for kind, pid, line, ident, user in ((2, 0, b"~", b"~~", b"reboot"), (7, 800 + i, b"tty1", b"1", b"jonas"), (8, 800 + i, b"tty1", b"1", b"")):
            records += struct.pack("<hxxi32s4s32s256shhiii16s20x", kind, pid, line, ident, user, b"6.12.0-amd64" if kind == 2 else b"", 0, 0, 0, when + kind * 600, 0, b"")
    put("/var/log/wtmp", records, 0o664, 1)
    put("/var/log/lastlog", b"\0" * 292 * 1000 + struct.pack("<i32s256s", int(NOW - 3 * 86400), b"tty1", b""), 0o664, 3)
    os.makedirs("/srv/backup", exist_ok=True)
    put("/etc/ssl/private/atlas.key", "-----BEGIN PRIVATE KEY-----\n" + base64.encodebytes(rnd.randbytes(1190)).decode() + "-----END PRIVATE KEY-----\n", 0o600, 800)
    import grp
    for log in ("syslog", "auth.log", "kern.log", "cron.log", "syslog.1", "syslog.2", "auth.log.1", "auth.log.2"):
        os.chown("/var/log/" + log, 0, grp.getgrnam("adm").gr_gid)
    os.chown("/var/log/wtmp", 0, grp.getgrnam("utmp").gr_gid)
    os.chown("/var/mail/jonas", 1000, grp.getgrnam("mail").gr_gid)
    os.chown("/var/spool/cron/crontabs/jonas", 1000, grp.getgrnam("crontab").gr_gid)


def dates():
    """Folders of the home get dates of their newest file, so that nothing tells the day of the build."""
    for folder, _, files in os.walk(HOME, topdown=False):
        newest = max([os.stat(os.path.join(folder, f)).st_mtime for f in files] + [OLDEST])
        os.utime(folder, (newest, newest))


documents()
pictures()
browsers()
habits()
system()
dates()
