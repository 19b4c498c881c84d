"""Records of WARC files, as tests write them."""

import gzip


def record(number: int, block: bytes, kind: str = "response", content_type: str = "", **headers: str) -> bytes:
    content_type = content_type or ("application/http; msgtype=response" if kind == "response" else "text/plain")
    lines = {
        "WARC-Type": kind,
        "WARC-Record-ID": f"<urn:uuid:{number}>",
        "WARC-Target-URI": f"http://example.org/{number}",
        "Content-Type": content_type,
        "Content-Length": str(len(block)),
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    return ("WARC/1.0\r\n" + "".join(f"{k}: {v}\r\n" for k, v in lines.items()) + "\r\n").encode() + block + b"\r\n\r\n"


def http(body: bytes, status: str = "200 OK", **headers: str) -> bytes:
    lines = {"Content-Type": "text/html"} | {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value)
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


def page(text: str) -> bytes:
    return f"<html><head><title>Title 标题</title></head><body><p>{text}</p></body></html>".encode()


GOOD = [record(i, http(page(f"Page {i} of the mill, 第{i}页。"))) for i in range(5)]
TEXTS = [f"Page {i} of the mill, 第{i}页。" for i in range(5)]


def members(records: list[bytes]) -> list[bytes]:
    return [gzip.compress(data, mtime=0) for data in records]
