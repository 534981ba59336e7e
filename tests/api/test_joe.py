#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Joe Sandbox's API against the real server: what clients send, byte for byte, and what they look for in the answers.

test_joe.py BELLJAR        the program; no guest is started (serve --no-workers)
"""
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
import urllib.parse

PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else "belljar"
CHUNK = 10485760
ALL_OPTIONS = {
    "accept-tac": "0", "comments": "c", "analysis-time": "120", "office-files-password": "p", "archive-password": "infected",
    "command-line-argument": "-a", "localized-internet-country": "Argentina", "internet-access": "1",
    "internet-simulation": "0", "report-cache": "0", "hybrid-code-analysis": "1", "hybrid-decompilation": "0",
    "ssl-inspection": "1", "vba-instrumentation": "1", "js-instrumentation": "1", "java-jar-tracing": "1",
    "dotnet-tracing": "1", "email-notification": "0", "start-as-normal-user": "1", "system-date": "2020-01-31",
    "language-and-locale": "English", "archive-no-unpack": "0", "hypervisor-based-inspection": "0", "fast-mode": "0",
    "secondary-results": "1", "apk-instrumentation": "1", "amsi-unpacking": "1", "powershell-logging": "1",
    "disable-chained-runs": "0", "live-interaction": "0", "browser": "Chrome",
    "url-reputation": "0", "delete-after-days": "30", "proxy-mode-config": "x", "priority": "3",
    "anti-evasion-date": "1", "remote-assistance": "1", "remote-assistance-view-only": "1", "static-only": "0",
    "export-to-jbxview": "1", "adaptive-internet-simulation": "1", "smart-filter": "1", "hyper-mode": "1",
    "keyboard-layout": "x", "autosubmit-dropped": "1",
}
TYPES = """html lighthtml executive classhtml iochtml pdf pdfexecutive xml lightxml classxml clusterxml irxml iocxml iocjson
json lightjson irjson jsonfixed lightjsonfixed irjsonfixed openioc maec misp stix graphreports yara bins unpackpe unpack ida
memdumps memstrings binstrings shoots pcap pcapslim pcapunified pcapsslinspection sample cookbook""".split()


class Server:
    """belljar serve on a free port of the loopback interface, with a data folder of its own."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="belljar-api-")
        self.environment = dict(os.environ, BELLJAR_DATA=self.dir)
        self.environment.pop("BELLJAR_CONFIG", None)
        self.start()

    def start(self):
        self.process = subprocess.Popen([PROGRAM, "serve", "--listen", "127.0.0.1:0", "--no-workers"],
                                        stdout=subprocess.PIPE, env=self.environment, text=True)
        self.port = int(re.search(r"http://127\.0\.0\.1:(\d+)/api", self.process.stdout.readline()).group(1))

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait(20)
        self.process.stdout.close()

    def run(self, *words):
        return subprocess.run([PROGRAM, *words], env=self.environment, capture_output=True, text=True, check=True).stdout

    def account(self, name, *options):
        self.run("account", "add", name, *options)
        return self.run("account", "key", name).strip()


def multipart(fields, files):
    """As urllib3 writes it: text fields first, files without a part type, quotes as %22."""
    out = b""
    for name, value in fields:
        out += b'--BoUnD\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), str(value).encode())
    for name, filename, content in files:
        filename = filename.replace('"', "%22").replace("\n", "%0A").replace("\r", "%0D")
        out += b'--BoUnD\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\n\r\n' % (
            name.encode(), filename.encode("utf-8", "surrogateescape"))
        out += content + b"\r\n"
    return out + b"--BoUnD--\r\n", "multipart/form-data; boundary=BoUnD"


class Client:
    def __init__(self, server, key, base="/api"):
        self.server, self.key, self.base = server, key, base

    def raw(self, path, fields=(), files=(), method="POST"):
        fields = list(fields.items()) if isinstance(fields, dict) else list(fields)
        if self.key is not None:
            fields.append(("apikey", self.key))
        if files:
            body, kind = multipart(fields, files)
        else:
            body, kind = urllib.parse.urlencode(fields).encode(), "application/x-www-form-urlencoded"
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        connection.request(method, self.base + path, body, {"Content-Type": kind, "User-Agent": "jbxapi.py 3.24.0"})
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        return answer, data

    def call(self, path, fields=(), files=()):
        """The data, as jbxapi takes it out; or (status, code, message) of an error."""
        answer, data = self.raw(path, fields, files)
        if answer.getheader("Content-Type") != "application/json":
            raise AssertionError("no JSON: %s %s" % (answer.status, data[:200]))
        body = json.loads(data)
        if answer.status == 200:
            return body["data"]
        return answer.status, body["errors"][0]["code"], body["errors"][0]["message"]

    def submit(self, name, content, **options):
        return self.call("/v2/submission/new", {k.replace("_", "-"): v for k, v in options.items()},
                         [("sample", name, content)])["submission_id"]

    def submit_chunked(self, name, content, size=CHUNK):
        submission = self.call("/v2/submission/new", {"chunked-sample": name})["submission_id"]
        count = (len(content) + size - 1) // size
        for i in range(count):
            part = content[i * size:(i + 1) * size]
            answer = self.call("/v2/submission/chunked-sample", {
                "submission_id": submission, "file-size": len(content), "chunk-size": size, "chunk-count": count,
                "current-chunk-index": i + 1, "current-chunk-size": len(part)}, [("chunk", "chunk", part)])
            if not isinstance(answer, dict):
                return answer
        return submission

    def pages(self, path, **fields):
        items, next_page = [], None
        for _ in range(100):
            if next_page:
                fields["pagination_next"] = next_page
            answer, data = self.raw(path, fields)
            body = json.loads(data)
            items += body["data"]
            next_page = body.get("pagination", {}).get("next")
            if next_page is None:
                return items
        raise AssertionError("the list does not end")


class Joe(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.ann = Client(cls.server, cls.server.account("ann"))
        cls.bob = Client(cls.server, cls.server.account("bob"))
        cls.viewer = Client(cls.server, cls.server.account("viewer", "--viewer"))

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        shutil.rmtree(cls.server.dir)

    def test_paths(self):
        for base in "/api", "/api/", "/index.php/api", "/joesandbox/index.php/api":
            self.assertEqual(Client(self.server, self.ann.key, base).call("/v2/server/online"), {"online": True}, base)

    def test_errors(self):
        self.assertEqual(self.ann.call("/v2/nosuch")[:2], (404, 8))
        self.assertEqual(Client(self.server, "0" * 64).call("/v2/server/info")[:2], (403, 4))
        self.assertEqual(Client(self.server, None).call("/v2/server/info")[:2], (403, 4))
        self.assertEqual(self.ann.call("/v2/analysis/info", {"webid": "999999"})[1], 3)
        self.assertEqual(self.ann.call("/v2/analysis/info", {"webid": "x' OR 1=1"})[1], 3)
        self.assertEqual(self.ann.call("/v2/analysis/info")[1], 2)
        self.assertEqual(self.ann.call("/v2/submission/new")[1], 2)
        self.assertEqual(self.ann.call("/v2/submission/new", {"url": "http://x", "command-line": "id"})[1], 3)
        self.assertEqual(self.ann.call("/v2/submission/new", {"url": "http://x/", "foo-bar": "1"}),
                         (400, 3, "Unknown parameter foo-bar."))
        self.assertEqual(self.ann.call("/v2/submission/new", {"url": "http://x/", "analysis-time": "soon"})[1], 3)
        self.assertEqual(self.ann.call("/v2/submission/new", {"url": "javascript:1"})[1], 3)
        self.assertEqual(self.ann.call("/v2/submission/new", {"url": "http://x/", "systems[]": "w7"})[1], 3)
        self.assertEqual(self.ann.call("/v2/cookbook/info", {"id": "1"}), (404, 3, "Unknown cookbook."))
        answer, data = self.ann.raw("/v2/server/online", method="GET")
        self.assertEqual((answer.status, json.loads(data)["errors"][0]["code"]), (405, 8))

    def test_key_only_in_form(self):
        query = Client(self.server, None)
        self.assertEqual(query.call("/v2/server/online?apikey=" + self.ann.key)[:2], (403, 4))

    def test_viewer(self):
        self.assertEqual(self.viewer.call("/v2/server/online"), {"online": True})
        self.assertEqual(self.viewer.call("/v2/submission/new", {"command-line": "id"})[:2], (403, 7))

    def test_names(self):
        long_name = "n" * 251 + ".exe"
        rows = {"ö.exe": "ö.exe", 'a"b.exe': 'a"b.exe', "..\\..\\x.exe": "x.exe", "../../etc/passwd": "passwd",
                "a\nb": "a\nb", long_name: long_name, "": "sample", "<script>alert(1)</script>": "script>",
                "\u202egnp.exe": "\u202egnp.exe", "\x1b[31mred": "\x1b[31mred", "..": "sample"}
        for sent, kept in rows.items():
            number = self.ann.submit(sent, b"x")
            info = self.ann.call("/v2/submission/info", {"submission_id": number})
            self.assertEqual(info["name"], kept)
            self.assertEqual(info["analyses"][0]["filename"], kept)
            self.assertEqual(info["analyses"][0]["md5"], "9dd4e461268c8034f5c8564e155c67a6")

    def test_invalid_utf8(self):
        number = self.ann.submit("a\udcff.exe", b"x")
        self.assertEqual(self.ann.call("/v2/submission/info", {"submission_id": number})["name"], "a_.exe")
        self.assertEqual(self.ann.call("/v2/submission/new", {"command-line": "id", "comments": "\x00"})[1], 3)

    def test_kinds(self):
        for fields in {"url": "http://example.com/"}, {"sample-url": "https://example.com/x.exe"}, {"command-line": "id"}:
            number = self.ann.call("/v2/submission/new", fields)["submission_id"]
            info = self.ann.call("/v2/submission/info", {"submission_id": number})
            self.assertEqual(info["name"], list(fields.values())[0])
            self.assertEqual(info["status"], "submitted")
            analysis = info["analyses"][0]
            self.assertEqual((analysis["md5"], analysis["detection"], analysis["status"]), ("", "unknown", "submitted"))
            self.assertEqual(info["most_relevant_analysis"],
                             {"webid": analysis["webid"], "detection": "unknown", "score": 0})
            self.assertRegex(info["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$")

    def test_old_submit(self):
        answer = self.ann.call("/v2/analysis/submit", {}, [("sample", "x", b"x")])
        self.assertEqual(self.ann.call("/v2/analysis/info", {"webid": answer["webids"][0]})["webid"], answer["webids"][0])

    def test_options(self):
        fields = [*ALL_OPTIONS.items(), ("systems[]", "debian13"), ("tags[]", "b"), ("tags[]", "a")]
        number = self.ann.call("/v2/submission/new", fields, [("sample", "x", b"x")])["submission_id"]
        analysis = self.ann.call("/v2/submission/info", {"submission_id": number})["analyses"][0]
        self.assertEqual(analysis["tags"], ["a", "b"])
        self.assertEqual(analysis["comments"], "c")
        self.assertEqual([r["system"] for r in analysis["runs"]], ["debian13"])
        for name, value in [*ALL_OPTIONS.items(), ("systems", "debian13"), ("tags", "x"), ("document-password", "x")]:
            self.assertIn("submission_id", self.ann.call("/v2/submission/new", {"command-line": "id", name: value}), name)
        # Who wants encrypted results must not get others.
        self.assertEqual(self.ann.call("/v2/submission/new", {"command-line": "id", "encrypt-with-password": "x"})[1], 3)
        for line in subprocess.run(["grep", "-rla", "infected", self.server.dir],
                                   capture_output=True, text=True, check=False).stdout.splitlines():
            self.fail("a password was written down: " + line)

    def test_chunks(self):
        for size in 1, CHUNK, CHUNK + 1, 61865984:
            content = os.urandom(4096) * (size // 4096 + 1)
            content = content[:size]
            number = self.ann.submit_chunked("big.bin", content)
            info = self.ann.call("/v2/submission/info", {"submission_id": number})
            self.assertEqual(info["status"], "submitted", size)
            answer, data = self.ann.raw("/v2/analysis/download",
                                        {"webid": info["analyses"][0]["webid"], "type": "sample"})
            self.assertEqual(answer.status, 200)
            self.assertTrue(data == content)

    def test_chunk_corners(self):
        number = self.ann.call("/v2/submission/new", {"chunked-sample": "x"})["submission_id"]
        info = self.ann.call("/v2/submission/info", {"submission_id": number})
        self.assertEqual(info["status"], "accepted")
        self.assertNotIn("analyses", info)

        def send(index, part, size=25, count=3, chunk=10, client=self.ann, said=None):
            return client.call("/v2/submission/chunked-sample", {
                "submission_id": number, "file-size": size, "chunk-size": chunk, "chunk-count": count,
                "current-chunk-index": index, "current-chunk-size": len(part) if said is None else said},
                [("chunk", "chunk", part)])
        self.assertEqual(send(2, b"b" * 10, client=self.bob)[1], 3)
        self.assertIn("submission_id", send(2, b"b" * 10))
        self.assertIn("submission_id", send(2, b"B" * 10))  # repeated after a time-out
        self.assertEqual(send(4, b"b" * 10)[1], 3)
        self.assertEqual(send(0, b"b" * 10)[1], 3)
        self.assertEqual(send(1, b"b" * 9)[1], 3)
        self.assertEqual(send(1, b"b" * 9, said=10)[1], 3)
        self.assertEqual(send(1, b"b" * 10, count=4)[1], 3)
        self.assertEqual(send(1, b"b" * 10, size=26)[1], 3)
        self.assertIn("submission_id", send(3, b"c" * 5))
        self.assertIn("submission_id", send(1, b"a" * 10))
        self.assertIn("submission_id", send(1, b"a" * 10))  # and once more after the end
        info = self.ann.call("/v2/submission/info", {"submission_id": number})
        answer, data = self.ann.raw("/v2/analysis/download", {"webid": info["analyses"][0]["webid"], "type": "sample"})
        self.assertEqual(data, b"a" * 10 + b"B" * 10 + b"c" * 5)

    def test_empty_file(self):
        number = self.ann.submit("empty", b"")
        self.assertEqual(self.ann.call("/v2/submission/info", {"submission_id": number})["analyses"][0]["sha256"][:8],
                         "e3b0c442")

    def test_private(self):
        number = self.ann.submit("secret", b"private bytes")
        webid = self.ann.call("/v2/submission/info", {"submission_id": number})["analyses"][0]["webid"]
        rows = [("/v2/submission/info", {"submission_id": number}), ("/v2/submission/delete", {"submission_id": number}),
                ("/v2/analysis/info", {"webid": webid}), ("/v2/analysis/delete", {"webid": webid}),
                ("/v2/analysis/download", {"webid": webid, "type": "sample"})]
        for path, fields in rows:
            status, code, _ = self.bob.call(path, fields)
            self.assertEqual((status, code), (404, 3), path)
        self.assertEqual(self.bob.call("/v2/analysis/search", {"q": "secret"}), [])

    def test_lists(self):
        carol = Client(self.server, self.server.account("carol"))
        self.assertEqual(carol.pages("/v2/submission/list"), [])
        self.assertEqual(carol.pages("/v2/analysis/list", pagination="1"), [])
        numbers = [carol.submit("x", b"%d" % i) for i in range(120)]
        self.assertEqual([s["submission_id"] for s in carol.pages("/v2/submission/list")], numbers[::-1])
        webids = [a["webid"] for a in carol.pages("/v2/analysis/list", pagination="1")]
        self.assertEqual(len(webids), 120)
        self.assertEqual(webids, sorted(webids, key=int, reverse=True))
        self.assertFalse(set(webids) & set(numbers))
        self.assertEqual(carol.call("/v2/analysis/info", {"webid": numbers[0]})["md5"],
                         "cfcd208495d565ef66e7dff9f98764da")

    def test_search(self):
        self.ann.submit("needle.docm", b"needle", comments="Hay Stack", **{"tags[]": "straw"})
        for fields in {"q": "needle"}, {"filename": "NEEDLE"}, {"comments": "hay st"}, {"tag": "stra"}, \
                {"sha256": "45aad2ee07da8d9bb6cd8b7f1f6f2ac1ee94b5c2d0d5f9a0e9b7e8f5f1ab5bd2"}, \
                {"filename": "needle", "comments": "stack", "after-date": "2020-01-01"}:
            hits = self.ann.call("/v2/analysis/search", fields)
            self.assertEqual([h["filename"] for h in hits], [] if "sha256" in fields else ["needle.docm"], fields)
        self.assertEqual(self.ann.call("/v2/analysis/search")[1], 2)
        self.assertEqual(self.ann.call("/v2/analysis/search", {"before-date": "yesterday"})[1], 3)
        self.assertEqual(self.ann.call("/v2/analysis/search", {"detection": "bad"})[1], 3)

    def test_download(self):
        number = self.ann.submit("x.sh", b"#!/bin/sh\n")
        webid = self.ann.call("/v2/submission/info", {"submission_id": number})["analyses"][0]["webid"]
        for kind in TYPES:
            answer, data = self.ann.raw("/v2/analysis/download", {"webid": webid, "type": kind})
            if kind == "sample":
                header = answer.getheader("Content-Disposition")
                self.assertEqual(header.split("filename=")[1][1:-2], "sample-%s.bin" % webid)
                self.assertEqual(data, b"#!/bin/sh\n")
            else:
                self.assertEqual((answer.status, json.loads(data)["errors"][0]["message"]),
                                 (404, "The selected resource does not exist."), kind)
        self.assertEqual(self.ann.call("/v2/analysis/download", {"webid": webid, "type": "nosuch"})[1], 3)

    def test_delete(self):
        number = self.ann.submit("gone", b"delete these bytes please")
        webid = self.ann.call("/v2/submission/info", {"submission_id": number})["analyses"][0]["webid"]
        self.assertEqual(self.ann.call("/v2/submission/delete", {"submission_id": number}), {"deleted": True})
        self.assertEqual(self.ann.call("/v2/analysis/info", {"webid": webid})[:2], (404, 3))
        left = subprocess.run(["grep", "-rla", "delete these bytes", self.server.dir], capture_output=True, check=False)
        self.assertEqual(left.stdout, b"")

    def test_lab(self):
        self.assertEqual(self.ann.call("/v2/joelab/machine/info", {"machine": "x"})[:2], (404, 3))

    def test_restart(self):
        """kill -9, and everything that was accepted is still there."""
        server = Server()
        try:
            client = Client(server, server.account("dora"))
            numbers = [client.submit("x", b"%d" % i) for i in range(20)]
            server.stop(signal.SIGKILL)
            server.start()
            self.assertEqual([s["submission_id"] for s in client.pages("/v2/submission/list")], numbers[::-1])
            self.assertEqual(client.call("/v2/server/info"), {"queuesize": 20})
        finally:
            server.stop()
            shutil.rmtree(server.dir)


if __name__ == "__main__":
    unittest.main(verbosity=1)
