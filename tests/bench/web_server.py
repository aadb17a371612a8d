# SPDX-License-Identifier: BSD-2-Clause
"""A small JSON server on http.server, and its load. On loopback only.

web_server.py                          serves until stdin is at EOF; prints READY PORT
web_server.py load PORT SECONDS        one connection, as fast as it goes; prints REQUESTS N"""
import http.client
import http.server
import json
import sys
import threading
import time


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        rows = [{"id": n, "name": "row %d" % n, "tags": asked["tags"]} for n in range(asked["rows"])]
        body = json.dumps({"rows": rows}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args):
        pass


def serve():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write("READY %d\n" % server.server_address[1])
    sys.stdout.flush()
    sys.stdin.read()


def load(port, seconds):
    # One connection: several would measure how threads take turns at the GIL.
    connection = http.client.HTTPConnection("127.0.0.1", port)
    body = json.dumps({"rows": 50, "tags": ["a", "b", "c"]})
    end = time.monotonic() + seconds
    count = 0
    while time.monotonic() < end:
        connection.request("POST", "/rows", body)
        connection.getresponse().read()
        count += 1
    print("REQUESTS %d" % count)


if sys.argv[1:2] == ["load"]:
    load(int(sys.argv[2]), float(sys.argv[3]))
else:
    serve()
