# SPDX-License-Identifier: Apache-2.0
"""A small client for the API server, with nothing but the standard library.

Kubeconfig      reads a kubeconfig that holds inline data (of the stand-in or a real cluster)
Api             JSON requests and watches over TLS
WebSocket       RFC 6455, client side, with every frame under the caller's control
Exec            exec and attach over it, v4 and v5.channel.k8s.io

Nothing here sleeps: every wait is a read with a deadline. `until()` polls for what has no event.
"""

import base64
import hashlib
import http.client
import json
import os
import re
import select
import socket
import ssl
import struct
import tempfile
import time
import urllib.parse

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
STDIN, STDOUT, STDERR, STATUS, RESIZE, CLOSE_STREAM = 0, 1, 2, 3, 4, 255
V5, V4 = "v5.channel.k8s.io", "v4.channel.k8s.io"


def until(condition, seconds=15, what=None):
    """Returns the first true value of condition(); fails after the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s: {what or condition}")
        select.select([], [], [], 0.02)


class Kubeconfig:
    """The current context of a kubeconfig. Only what the stand-in writes is understood."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as f:
            text = f.read()

        def field(name):
            found = re.search(rf'^\s*{name}:\s*"?([^"\s]+)"?\s*$', text, re.M)
            return found.group(1) if found else None

        url = urllib.parse.urlsplit(field("server"))
        self.host, self.port = url.hostname, url.port or 443
        self.token = field("token")
        self.ca = base64.b64decode(field("certificate-authority-data")).decode()
        self.client_cert = field("client-certificate-data")
        self.client_key = field("client-key-data")

    def context(self, with_certificate=False):
        context = ssl.create_default_context(cadata=self.ca)
        if with_certificate:
            with tempfile.NamedTemporaryFile() as pem:
                pem.write(base64.b64decode(self.client_cert))
                pem.write(base64.b64decode(self.client_key))
                pem.flush()
                context.load_cert_chain(pem.name)
        return context

    def connect(self, timeout=15, with_certificate=False):
        raw = socket.create_connection((self.host, self.port), timeout)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self.context(with_certificate).wrap_socket(raw, server_hostname=self.host)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)


class Api:
    """Requests to one API server. Every method returns an Answer; nothing raises for a status."""

    def __init__(self, kubeconfig, token=None, with_certificate=False):
        self.config = kubeconfig
        self.token = kubeconfig.token if token is None else token
        self.with_certificate = with_certificate

    def headers(self):
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def request(self, method, path, body=None, content_type="application/json", headers=None,
                timeout=15):
        connection = http.client.HTTPSConnection(
            self.config.host, self.config.port, timeout=timeout,
            context=self.config.context(self.with_certificate))
        try:
            if body is not None and not isinstance(body, (bytes, str)):
                body = json.dumps(body)
            every = dict(self.headers(), **(headers or {}))
            if body is not None:
                every["Content-Type"] = content_type
            connection.request(method, path, body, every)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def post(self, path, body, **more):
        return self.request("POST", path, body, **more)

    def put(self, path, body, **more):
        return self.request("PUT", path, body, **more)

    def delete(self, path, body=None, **more):
        return self.request("DELETE", path, body, **more)

    def merge(self, path, body):
        return self.request("PATCH", path, body, "application/merge-patch+json")

    def apply(self, path, body, manager="test", force=True):
        sign = "&" if "?" in path else "?"
        query = f"{sign}fieldManager={manager}&force={str(force).lower()}" if manager else ""
        return self.request("PATCH", path + query, body, "application/apply-patch+yaml")

    def watch(self, path, timeout=15):
        return Watch(self, path, timeout)


class Watch:
    """Events of a watch, as an iterator of dicts; ends with the stream. Use as a context manager."""

    def __init__(self, api, path, timeout):
        self.connection = http.client.HTTPSConnection(api.config.host, api.config.port,
                                                      timeout=timeout, context=api.config.context())
        self.connection.request("GET", path, headers=api.headers())
        self.answer = self.connection.getresponse()
        self.status = self.answer.status

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def __iter__(self):
        return self

    def __next__(self):
        line = self.answer.readline()
        if not line:
            raise StopIteration
        return json.loads(line)


class UpgradeRefused(Exception):
    def __init__(self, status, headers, body):
        super().__init__(f"{status}: {body[:500]!r}")
        self.status, self.headers, self.body = status, headers, body


def frame(payload, opcode=BINARY, final=True, masked=True, length=None):
    """The bytes of one frame. `length` lies about the size of the payload in the header."""
    n = len(payload) if length is None else length
    head = bytes([(0x80 if final else 0) | opcode])
    bit = 0x80 if masked else 0
    if n < 126:
        head += bytes([bit | n])
    elif n < 65536:
        head += bytes([bit | 126]) + struct.pack(">H", n)
    else:
        head += bytes([bit | 127]) + struct.pack(">Q", n)
    if masked:
        mask = os.urandom(4)
        size = len(payload)
        pad = (mask * (size // 4 + 1))[:size]
        payload = (int.from_bytes(payload, "big") ^ int.from_bytes(pad, "big")).to_bytes(
            size, "big")
        head += mask
    return head + payload


class WebSocket:
    """One connection. `protocols` is a list of header lines, each a string as it goes out."""

    def __init__(self, config, path, protocols=(f"{V5}, {V4}",), token=None, timeout=15,
                 method="GET", extra_headers=()):
        self.buffer = bytearray()
        self.closed = None  # the close code, or 1006 when the end came without a close frame
        self.timeout = timeout
        self.socket = config.connect(timeout)
        token = config.token if token is None else token
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"{method} {path} HTTP/1.1", f"Host: {config.host}:{config.port}",
                 "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
                 f"Sec-WebSocket-Key: {key}", f"Authorization: Bearer {token}", *extra_headers]
        lines += [f"Sec-WebSocket-Protocol: {p}" for p in protocols]
        self.socket.sendall("\r\n".join(lines + ["", ""]).encode())
        status, headers = self._read_head()
        if status != 101:
            body = self._read_exactly(int(headers.get("content-length", 0)))
            self.socket.close()
            raise UpgradeRefused(status, headers, body)
        wanted = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()
        assert headers["sec-websocket-accept"] == wanted
        self.protocol = headers.get("sec-websocket-protocol")

    def _read_head(self):
        while b"\r\n\r\n" not in self.buffer:
            self._fill()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        first, *rest = head.decode().split("\r\n")
        pairs = (line.split(":", 1) for line in rest)
        return int(first.split()[1]), {k.strip().lower(): v.strip() for k, v in pairs}

    def _fill(self):
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionResetError("the server has closed the connection")
        self.buffer += data

    def _read_exactly(self, n):
        while len(self.buffer) < n:
            self._fill()
        data = bytes(self.buffer[:n])
        del self.buffer[:n]
        return data

    def send_while_reading(self, data, seconds=60):
        """Sends bytes that are frames already, and keeps what comes meanwhile for receive_frame().

        With one thread, since an SSL object must not be used by two at once.
        """
        deadline = time.monotonic() + seconds
        position = 0
        self.socket.setblocking(False)
        try:
            while position < len(data):
                try:
                    position += self.socket.send(data[position:position + 65536])
                except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
                    select.select([self.socket], [self.socket], [], 1)
                try:
                    self._fill()
                except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
                    pass
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{position} of {len(data)} bytes sent in {seconds} s")
        finally:
            self.socket.settimeout(self.timeout)

    def send_frame(self, payload, opcode=BINARY, **how):
        self.socket.sendall(frame(payload, opcode, **how))

    def receive_frame(self):
        """(opcode, payload); (CLOSE, ...) at the end, also when no close frame came."""
        try:
            first, second = self._read_exactly(2)
            assert first & 0x80, "the server fragments"
            assert not second & 0x80, "the server masks"
            n = second & 0x7F
            if n == 126:
                n = struct.unpack(">H", self._read_exactly(2))[0]
            elif n == 127:
                n = struct.unpack(">Q", self._read_exactly(8))[0]
            payload = self._read_exactly(n)
        except (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError):
            self.closed = 1006
            return CLOSE, b""
        if first & 0x0F == CLOSE:
            self.closed = struct.unpack(">H", payload[:2])[0] if len(payload) >= 2 else 1005
        return first & 0x0F, payload

    def settimeout(self, seconds):
        self.timeout = seconds
        self.socket.settimeout(seconds)

    def close(self):
        self.socket.close()


def exec_path(ns, pod, command, container=None, stdin=False, stdout=True, stderr=True, tty=False,
              what="exec"):
    query = [("command", c) for c in command]
    if container:
        query.append(("container", container))
    for name, wanted in (("stdin", stdin), ("stdout", stdout), ("stderr", stderr), ("tty", tty)):
        if wanted:
            query.append((name, "true"))
    return f"/api/v1/namespaces/{ns}/pods/{pod}/{what}?{urllib.parse.urlencode(query)}"


class Exec:
    """An exec or attach. `run()` does the usual whole; the parts are for what is unusual."""

    def __init__(self, config, ns, pod, command=(), protocols=(f"{V5}, {V4}",), timeout=15, **how):
        self.ws = WebSocket(config, exec_path(ns, pod, command, **how), protocols, timeout=timeout)
        self.protocol = self.ws.protocol
        self.frames = []  # (channel, payload), all that came
        self.out = {STDOUT: b"", STDERR: b""}
        self.status_text = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ws.close()

    def write(self, data, chunk=32768):
        for i in range(0, len(data), chunk):
            self.ws.send_frame(bytes([STDIN]) + data[i:i + chunk])

    def write_while_reading(self, data, chunk=32768, end=False):
        """For a command that answers before it has all: nobody blocks anybody. end: half-close too."""
        frames = bytearray()
        for i in range(0, len(data), chunk):
            frames += frame(bytes([STDIN]) + data[i:i + chunk])
        if end:
            frames += frame(bytes([CLOSE_STREAM, STDIN]))
        self.ws.send_while_reading(frames)

    def close_stdin(self):
        self.ws.send_frame(bytes([CLOSE_STREAM, STDIN]))

    def step(self):
        """Receives one frame. False at the end."""
        opcode, payload = self.ws.receive_frame()
        if opcode == CLOSE:
            return False
        if opcode == BINARY and payload:
            channel, data = payload[0], payload[1:]
            self.frames.append((channel, data))
            if channel == STATUS:
                self.status_text += data
            else:
                self.out[channel] += data
        return True

    def read_until(self, text, channel=STDOUT):
        while text not in self.out[channel]:
            assert self.step(), f"ended without {text!r}: {self.out} {self.status_text}"
        return self.out[channel]

    def finish(self):
        while self.step():
            pass
        return self

    @property
    def status(self):
        return json.loads(self.status_text) if self.status_text else None

    @property
    def exit_code(self):
        """The code; None when it is unknown."""
        status = self.status
        if not status:
            return None
        if status["status"] == "Success":
            return 0
        if status.get("reason") != "NonZeroExitCode":
            return None
        return next(int(c["message"]) for c in status["details"]["causes"]
                    if c.get("reason") == "ExitCode")

    @property
    def stdout(self):
        return self.out[STDOUT]

    @property
    def stderr(self):
        return self.out[STDERR]


def run(config, ns, pod, command, stdin=None, **how):
    """Runs a command to its end; `stdin` needs v5. Returns the finished Exec."""
    with Exec(config, ns, pod, command, stdin=stdin is not None, **how) as e:
        if stdin is not None:
            try:
                e.write_while_reading(stdin)
                e.close_stdin()
            except (ConnectionError, ssl.SSLError):
                pass  # a command may end before it has read all: its Status tells
        return e.finish()
