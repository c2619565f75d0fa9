"""Reading a file front to back, once, in constant memory: its text lines, its digest, how far we are."""

import gzip
import hashlib
import lzma
import zlib
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import Self

# A line of real data has about a hundred bytes. Beyond this it is not a CSV file, and memory is not to depend on it.
LONGEST_LINE = 1 << 20
GZIP_MAGIC, XZ_MAGIC = b"\x1f\x8b", b"\xfd7zXZ\x00"
BROKEN_ARCHIVE = (EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error)


class UnusableFileError(Exception):
    """The file as a whole cannot be imported, and nothing of it was. The message says what to do."""


class Source:
    """An open file, compressed or not. Undecodable bytes survive as surrogates, so that each line can be judged."""

    def __init__(self, path: Path) -> None:
        try:
            self._raw = path.open("rb")
        except OSError as error:
            raise UnusableFileError(f"{path}: {error.strerror}. Name a file that this user may read.") from error
        self.path = path
        # A pipe has no size and no position; all else is the same.
        self.size = path.stat().st_size if self._raw.seekable() else None
        self.line_number = 0
        self.line = ""
        self._digest = hashlib.sha256()
        self._content = _uncompressed(self._raw)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._raw.close()

    @property
    def position(self) -> int:
        """Bytes of the file as it lies on disk that were read so far; `size` when all is read."""
        return self._raw.tell() if self._raw.seekable() else 0

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def __iter__(self) -> Iterator[str]:
        while line := self._next_line():
            self.line_number += 1
            self._digest.update(line)
            self.line = line.decode("utf-8-sig" if self.line_number == 1 else "utf-8", "surrogateescape")
            yield self.line

    def _next_line(self) -> bytes:
        try:
            line = self._content.readline(LONGEST_LINE)
        except BROKEN_ARCHIVE as error:
            raise UnusableFileError(
                f"{self.path}: the compressed file is damaged or cut off after line {self.line_number} ({error}). "
                "Nothing was imported; transfer the file again."
            ) from error
        except OSError as error:
            raise UnusableFileError(f"{self.path}: {error}. Nothing was imported; try again.") from error
        if len(line) == LONGEST_LINE:
            raise UnusableFileError(
                f"{self.path}: line {self.line_number + 1} is longer than {LONGEST_LINE:,} bytes. "
                "Nothing was imported; is this a CSV file with line feeds?"
            )
        return line


def _uncompressed(raw: BufferedReader) -> BufferedReader | gzip.GzipFile | lzma.LZMAFile:
    """Judged by the first bytes: a name may lie."""
    start = raw.peek(len(XZ_MAGIC))
    if start.startswith(GZIP_MAGIC):
        return gzip.GzipFile(fileobj=raw, mode="rb")
    if start.startswith(XZ_MAGIC):
        return lzma.LZMAFile(raw, "rb")
    return raw
