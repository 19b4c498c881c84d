"""python tests/flaky_store.py TARGET_PORT PERIOD: an HTTP proxy on loopback that hurts some requests; prints its port.

Of every PERIOD requests (10 or more) one is answered with 503 SlowDown, one with 500, one is cut off before it arrives,
and of one the answer is cut off half-way. What was hurt is counted: GET /hurt gives the numbers as JSON.
"""

import http.client
import itertools
import json
import socket
import struct
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ERROR = b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>%s</Code><Message>hurt</Message></Error>'
HURT = {3: "slow_down", 5: "internal", 7: "cut", 9: "half"}
number, hurt = itertools.count(1), dict.fromkeys(HURT.values(), 0)


class Proxy(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_any(self):
        if self.path.startswith("/hurt"):
            self.answer(200, {}, json.dumps(hurt).encode())
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        how = HURT.get(next(number) % int(sys.argv[2]))
        if how:
            hurt[how] += 1
        if how == "slow_down":
            self.answer(503, {}, ERROR % b"SlowDown")
        elif how == "internal":
            self.answer(500, {}, ERROR % b"InternalError")
        elif how == "cut":
            self.reset()
        else:
            self.forward(body, half=how == "half")

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_any  # noqa: N815

    def forward(self, body, half):
        target = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=60)
        target.request(self.command, self.path, body, dict(self.headers))
        response = target.getresponse()
        data = response.read()
        dropped = ("connection", "transfer-encoding", "content-length", "date", "server")
        headers = {key: value for key, value in response.getheaders() if key.lower() not in dropped}
        length = response.getheader("Content-Length", str(len(data))) if self.command == "HEAD" else str(len(data))
        self.answer(response.status, {**headers, "Content-Length": length}, data, half)
        target.close()

    def answer(self, status, headers, data, half=False):
        self.send_response(status)
        for key, value in {"Content-Length": str(len(data)), **headers}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "HEAD":
            data = b""
        self.wfile.write(data[: len(data) // 2] if half else data)
        if half:
            self.wfile.flush()
            self.reset()

    def reset(self):
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()
