"""Google Cloud Storage's JSON API as `server.py` answers it: generations and preconditions, resumable uploads, ranges.

Written after https://cloud.google.com/storage/docs/json_api/v1: what gcsfs and google-cloud-storage ask of it.
"""

import base64
import functools
import hashlib
import itertools
import json
import re
import threading
import urllib.parse
from dataclasses import dataclass, field

import google_crc32c

PAGE = 1000
"""Most objects of one answer to a listing."""
PIECE = 256 << 10
"""Bytes: every piece of a resumable upload but the last has a multiple of it."""


class RefusedError(Exception):
    """An answer in the form in which Google refuses."""

    def __init__(self, status: int, reason: str, message: str):
        super().__init__(message)
        self.status, self.reason, self.message = status, reason, message

    def to_json(self) -> dict:
        error = {"message": self.message, "domain": "global", "reason": self.reason}
        return {"error": {"code": self.status, "message": self.message, "errors": [error]}}


@dataclass
class Request:
    """method, path with its escapes, query, headers (lower case), body."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    address: str
    """Of the server, as the client wrote it."""


@dataclass
class Answer:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, value: object, status: int = 200, **headers: str) -> "Answer":
        return cls(status, json.dumps(value).encode(), {"Content-Type": "application/json; charset=UTF-8", **headers})


@dataclass
class Stored:
    data: bytes
    generation: int
    content_type: str
    metadata: dict[str, str]

    @functools.cached_property
    def hashes(self) -> dict[str, str]:
        md5 = base64.b64encode(hashlib.md5(self.data).digest()).decode()
        return {"md5Hash": md5, "crc32c": base64.b64encode(google_crc32c.value(self.data).to_bytes(4, "big")).decode()}


class CloudStorage:
    """Buckets in memory. One lock: a put is visible at its end, and only whole."""

    def __init__(self) -> None:
        self.buckets: dict[str, dict[str, Stored]] = {}
        self.uploads: dict[str, dict] = {}
        self._lock, self._numbers = threading.RLock(), itertools.count(1_700_000_000_000_001)

    def answer(self, request: Request) -> Answer | None:
        """None for a path that is not of this API."""
        with self._lock:
            for pattern, method in (
                (r"/upload/storage/v1/b/([^/]+)/o", self._upload),
                (r"/(?:download/)?storage/v1/b/([^/]+)/o/([^/]+)", self._object),
                (r"/storage/v1/b/([^/]+)/o/([^/]+)/(?:rewriteTo|copyTo)/b/([^/]+)/o/([^/]+)", self._copy),
                (r"/storage/v1/b/([^/]+)/o", self._list),
                (r"/storage/v1/b/([^/]+)", self._bucket),
                (r"/storage/v1/b", self._buckets),
            ):
                if found := re.fullmatch(pattern, request.path):
                    return method(request, *map(urllib.parse.unquote, found.groups()))
            return self._batch(request) if request.path == "/batch/storage/v1" else None

    def put(self, bucket: str, name: str, data: bytes, content_type: str = "", metadata: dict | None = None) -> Stored:
        stored = Stored(data, next(self._numbers), content_type or "application/octet-stream", metadata or {})
        self.buckets[bucket][name] = stored
        return stored

    def _objects(self, bucket: str) -> dict[str, Stored]:
        if bucket not in self.buckets:
            raise RefusedError(404, "notFound", "The specified bucket does not exist.")
        return self.buckets[bucket]

    def _stored(self, bucket: str, name: str, query: dict[str, str] | None = None) -> Stored:
        stored = self._objects(bucket).get(name)
        wanted = (query or {}).get("generation")
        if stored is None or (wanted and int(wanted) != stored.generation):
            raise RefusedError(404, "notFound", f"No such object: {bucket}/{name}")
        return stored

    def _check(self, query: dict[str, str], bucket: str, name: str) -> None:
        """Preconditions; generation 0 is that of an object that is not there."""
        stored = self._objects(bucket).get(name)
        generation = stored.generation if stored else 0
        wanted, unwanted = query.get("ifGenerationMatch"), query.get("ifGenerationNotMatch")
        if (wanted is not None and int(wanted) != generation) or (unwanted is not None and int(unwanted) == generation):
            what = "At least one of the pre-conditions you specified did not hold."
            raise RefusedError(412, "conditionNotMet", what)

    def _described(self, bucket: str, name: str) -> dict:
        stored = self._stored(bucket, name)
        return {
            "kind": "storage#object",
            "id": f"{bucket}/{name}/{stored.generation}",
            "name": name,
            "bucket": bucket,
            "generation": str(stored.generation),
            "metageneration": "1",
            "contentType": stored.content_type,
            "storageClass": "STANDARD",
            "size": str(len(stored.data)),
            **stored.hashes,
            "etag": base64.b64encode(str(stored.generation).encode()).decode(),
            "timeCreated": "2026-01-01T00:00:00.000Z",
            "updated": "2026-01-01T00:00:00.000Z",
            **({"metadata": stored.metadata} if stored.metadata else {}),
        }

    def _buckets(self, request: Request) -> Answer:
        if request.method == "POST":
            self.buckets.setdefault(json.loads(request.body)["name"], {})
        return Answer.of({"kind": "storage#buckets", "items": [{"name": name} for name in sorted(self.buckets)]})

    def _bucket(self, request: Request, bucket: str) -> Answer:
        self._objects(bucket)
        policy = {"retentionDurationSeconds": "0"}
        place = {"location": "US-CENTRAL1", "storageClass": "STANDARD", "projectNumber": "1"}
        return Answer.of({"kind": "storage#bucket", "id": bucket, "name": bucket, "softDeletePolicy": policy, **place})

    def _list(self, request: Request, bucket: str) -> Answer:
        """In the order of names, in pages; with a delimiter, what lies deeper is one prefix."""
        prefix, delimiter = request.query.get("prefix", ""), request.query.get("delimiter", "")
        size = min(int(request.query.get("maxResults", PAGE)), PAGE)
        entries: dict[str, bool] = {}
        for name in sorted(self._objects(bucket)):
            if name.startswith(prefix):
                deeper = delimiter and delimiter in name[len(prefix) :]
                end = name.index(delimiter, len(prefix)) + len(delimiter) if deeper else None
                entries[name[:end]] = not deeper
        names = [name for name in entries if name > request.query.get("pageToken", "")]
        page = {"kind": "storage#objects"} | ({"nextPageToken": names[size - 1]} if len(names) > size else {})
        items = [self._described(bucket, name) for name in names[:size] if entries[name]]
        prefixes = [name for name in names[:size] if not entries[name]]
        return Answer.of(page | ({"items": items} if items else {}) | ({"prefixes": prefixes} if prefixes else {}))

    def _object(self, request: Request, bucket: str, name: str) -> Answer:
        if request.method == "DELETE":
            self._stored(bucket, name, request.query)
            self._check(request.query, bucket, name)
            del self.buckets[bucket][name]
            return Answer(204)
        stored = self._stored(bucket, name, request.query)
        self._check(request.query, bucket, name)
        if request.query.get("alt") != "media":
            return Answer.of(self._described(bucket, name))
        described = self._described(bucket, name)
        headers = {
            "Content-Type": stored.content_type,
            "ETag": described["etag"],
            "x-goog-generation": described["generation"],
            "x-goog-hash": f"crc32c={described['crc32c']},md5={described['md5Hash']}",
        }
        asked = re.fullmatch(r"bytes=(\d*)-(\d*)", request.headers.get("range", ""))
        if asked is None:
            return Answer(200, stored.data, headers)
        size = len(stored.data)
        start = int(asked[1]) if asked[1] else max(0, size - int(asked[2]))
        end = min(int(asked[2]) + 1 if asked[1] and asked[2] else size, size)
        if start >= size:
            raise RefusedError(416, "requestedRangeNotSatisfiable", "Request range not satisfiable")
        return Answer(206, stored.data[start:end], {**headers, "Content-Range": f"bytes {start}-{end - 1}/{size}"})

    def _copy(self, request: Request, bucket: str, name: str, target: str, new_name: str) -> Answer:
        stored = self._stored(bucket, name)
        self._check(request.query, target, new_name)
        self.put(target, new_name, stored.data, stored.content_type, stored.metadata)
        described = self._described(target, new_name)
        if "/copyTo/" in request.path:
            return Answer.of(described)
        size = str(len(stored.data))
        sizes = {"objectSize": size, "totalBytesRewritten": size}
        return Answer.of({"kind": "storage#rewriteResponse", "done": True, **sizes, "resource": described})

    def _upload(self, request: Request, bucket: str) -> Answer:
        self._objects(bucket)
        kind = request.query.get("uploadType")
        if kind == "media":
            return self._finish(request.query, bucket, request.query["name"], request.body, {})
        if kind == "multipart":
            about, data = _parts(request)
            return self._finish(request.query, bucket, about.get("name") or request.query["name"], data, about)
        if request.method == "POST":
            about = json.loads(request.body or b"{}")
            number = f"upload-{next(self._numbers)}"
            name = about.get("name") or request.query["name"]
            self._check(request.query, bucket, name)
            self.uploads[number] = {"name": name, "about": about, "query": request.query, "data": b""}
            place = f"{request.address}{request.path}?uploadType=resumable&upload_id={number}"
            return Answer.of({}, Location=place, **{"X-GUploader-UploadID": number})
        return self._piece(request, bucket)

    def _piece(self, request: Request, bucket: str) -> Answer:
        """One piece of a resumable upload, or the question how much of it has arrived."""
        upload = self.uploads.get(request.query["upload_id"])
        if upload is None:
            raise RefusedError(404, "notFound", "Upload ID not found")
        if request.method == "DELETE":
            del self.uploads[request.query["upload_id"]]
            return Answer(499)
        asked = request.headers.get("content-range", f"bytes 0-{len(request.body) - 1}/{len(request.body)}")
        span, total = asked.removeprefix("bytes ").split("/")
        if span != "*":
            start = int(span.split("-")[0])
            if start > len(upload["data"]) or (total == "*" and len(request.body) % PIECE):
                raise RefusedError(400, "badRequest", "Invalid request. The piece is not where the upload stands.")
            upload["data"] = upload["data"][:start] + request.body
        if total == "*" or len(upload["data"]) < int(total):
            arrived = {"Range": f"bytes=0-{len(upload['data']) - 1}"} if upload["data"] else {}
            return Answer(308, b"", arrived)
        del self.uploads[request.query["upload_id"]]
        return self._finish(upload["query"], bucket, upload["name"], upload["data"], upload["about"])

    def _finish(self, query: dict[str, str], bucket: str, name: str, data: bytes, about: dict) -> Answer:
        self._check(query, bucket, name)
        crc = base64.b64encode(google_crc32c.value(data).to_bytes(4, "big")).decode()
        if about.get("crc32c", crc) != crc:
            raise RefusedError(400, "invalid", "Provided CRC32C does not match the calculated one.")
        self.put(bucket, name, data, about.get("contentType", ""), about.get("metadata"))
        return Answer.of(self._described(bucket, name))

    def _batch(self, request: Request) -> Answer:
        """Requests in the parts of one body, answered in the parts of another."""
        boundary = re.search(r'boundary="?([^";]+)', request.headers["content-type"])[1]
        answers = []
        for part in request.body.split(b"--" + boundary.encode())[1:-1]:
            head, _, inner = part.lstrip().replace(b"\r\n", b"\n").partition(b"\n\n")
            number = re.search(rb"(?i)content-id:\s*<?([^>\s]+)", head)
            method, path, *_ = inner.split(b"\n")[0].decode().split(" ")
            one = urllib.parse.urlparse(path)
            query = dict(urllib.parse.parse_qsl(one.query))
            try:
                done = self.answer(Request(method, one.path, query, {}, b"", request.address)) or Answer(404)
            except RefusedError as refusal:
                done = Answer.of(refusal.to_json(), refusal.status)
            name = f"Content-ID: <response-{number[1].decode()}>\r\n" if number else ""
            text = f"HTTP/1.1 {done.status} X\r\nContent-Length: {len(done.body)}\r\n\r\n".encode() + done.body
            answers.append(b"Content-Type: application/http\r\n" + name.encode() + b"\r\n" + text)
        body = b"".join(b"--answers\r\n" + one + b"\r\n" for one in answers) + b"--answers--"
        return Answer(200, body, {"Content-Type": "multipart/mixed; boundary=answers"})


def _parts(request: Request) -> tuple[dict, bytes]:
    """(what is said of the object, its bytes) of a multipart upload."""
    boundary = re.search(r'boundary="?([^";]+)', request.headers["content-type"])[1].strip("'").encode()
    _, about, data, _ = request.body.split(b"--" + boundary, 3)
    cut = re.compile(rb"\r?\n\r?\n")
    data = cut.split(data, 1)[1]
    return json.loads(cut.split(about, 1)[1]), data[:-2] if data.endswith(b"\r\n") else data[:-1]
