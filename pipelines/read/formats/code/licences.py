"""Licence files of repositories: which SPDX identifier their words say."""

import posixpath
import re

LICENCE_FILE = re.compile(r"(un)?licen[cs]es?([.-].*)?|copying([.-].*)?|mit-licen[cs]e([.-].*)?", re.IGNORECASE)
"""Whole name of a licence file."""
LICENCE_BYTES = 1 << 16
_ONE = r"\(?[A-Za-z0-9][\w.+-]*\)?"
_SPDX = re.compile(rf"SPDX-License-Identifier:[ \t]*({_ONE}(?:[ \t]+(?:AND|OR|WITH)[ \t]+{_ONE})*)")
HEAD_BYTES = 1 << 12
"""Of a file, in which it says its own licence."""
_SAY = (
    ("AGPL-3.0", "gnu affero general public license", "version 3"),
    ("LGPL-3.0", "gnu lesser general public license", "version 3, 29 june"),
    ("LGPL-2.1", "gnu lesser general public license", "version 2.1"),
    ("GPL-3.0", "gnu general public license", "version 3, 29 june"),
    ("GPL-2.0", "gnu general public license", "version 2, june"),
    ("Apache-2.0", "apache license", "version 2.0"),
    ("MPL-2.0", "mozilla public license", "2.0"),
    ("EPL-2.0", "eclipse public license", "v 2.0"),
    ("BSL-1.0", "boost software license", "version 1.0"),
    ("CC0-1.0", "cc0 1.0 universal", ""),
    ("CC-BY-SA-4.0", "attribution-sharealike 4.0", ""),
    ("CC-BY-4.0", "attribution 4.0 international", ""),
    ("Unlicense", "this is free and unencumbered software", ""),
    ("MulanPSL-2.0", "mulan permissive software license", "v2"),
    ("MulanPSL-2.0", "木兰宽松许可证", "第2版"),
    ("WTFPL", "do what the fuck you want to", ""),
    ("Zlib", "altered source versions must be plainly marked", ""),
    ("BSD-3-Clause", "redistribution and use in source and binary forms", "neither the name"),
    ("BSD-2-Clause", "redistribution and use in source and binary forms", ""),
    ("ISC", "permission to use, copy, modify, and/or distribute this software", ""),
    ("ISC", "permission to use, copy, modify, and distribute this software", ""),
    ("MIT", "permission is hereby granted, free of charge, to any person obtaining a copy", ""),
)
"""SPDX identifier, and two phrases that its text holds; the first that fits."""


def is_licence(path: str) -> bool:
    """Whether a file's name is that of a licence."""
    return LICENCE_FILE.fullmatch(posixpath.basename(path)) is not None


def licence_of(body: bytes) -> str | None:
    """The SPDX identifier of a licence file's text; None where it is none of those that are told apart."""
    text = body[:LICENCE_BYTES].decode("utf-8", "replace")
    if found := spdx_in(text):
        return found
    plain = " ".join(text.lower().split())
    return next((name for name, first, second in _SAY if first in plain and second in plain), None)


def spdx_in(text: str) -> str | None:
    """The expression behind `SPDX-License-Identifier:`; None where there is none."""
    found = _SPDX.search(text)
    return found[1] if found else None


class Licences:
    """The licences of a repository's folders."""

    def __init__(self) -> None:
        self._of: dict[str, tuple[str, str | None]] = {}

    def add(self, path: str, body: bytes) -> None:
        """A licence file; of several in one folder the first by name that is told stays."""
        folder = posixpath.dirname(path)
        known = self._of.get(folder)
        found = (path, licence_of(body))
        if known is None or (found[1] is not None, known[0]) > (known[1] is not None, path):
            self._of[folder] = found

    def nearest(self, path: str) -> tuple[str, str | None] | None:
        """(licence file, identifier or None) of the nearest folder above a file that has one."""
        folder = posixpath.dirname(path)
        while folder not in self._of:
            if not folder:
                return None
            folder = posixpath.dirname(folder)
        return self._of[folder]
