import gzip
import hashlib
import lzma
import os
import threading
import tracemalloc

import pytest

from billing_sync.importing.records import records
from billing_sync.importing.source import LONGEST_LINE, Source, UnusableFileError
from tests.billing_sync.files import HEADER, csv_file, line


def read(path):
    with Source(path) as source:
        return list(records(source))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "invoices.csv"


@pytest.mark.parametrize("compress", [bytes, gzip.compress, lzma.compress], ids=["plain", "gzip", "xz"])
def test_the_same_lines_are_read_and_digested_the_same_however_they_are_compressed(path, compress):
    content = f"{HEADER}\n{line()}\n".encode()
    path.write_bytes(compress(content))
    with Source(path) as source:
        (record,) = records(source)
        assert (record.line, record.fields["InvoiceNo"]) == (2, "536365")
        assert source.sha256 == hashlib.sha256(content).hexdigest()
        assert source.position == source.size


def test_byte_order_mark_carriage_returns_blank_lines_and_other_columns_do_no_harm(path):
    path.write_bytes(f"\ufeffMemo,{HEADER}\r\n\r\nx,{line()}\r\n\r\n".encode())
    (record,) = read(path)
    assert (record.line, record.fault, record.fields["Country"]) == (3, "", "United Kingdom")


def test_a_quoted_field_may_hold_commas_quotes_and_line_feeds(path):
    csv_file(path, line(Description='"A ""B"", C\nD"'), line("536366"))
    first, second = read(path)
    assert first.fields["Description"] == 'A "B", C\nD'
    assert second.line == 4


@pytest.mark.parametrize(
    ("text", "fault", "excerpt"),
    [
        ("536365,85123A,HEART", "wrong_column_count", "3 instead of 8"),
        (line() + ",more", "wrong_column_count", "9 instead of 8"),
        (line(Description='"HEART" OF GOLD'), "bad_csv", "expected after"),
        (line(Description="HE\rART"), "bad_csv", "new-line"),
    ],
)
def test_a_malformed_line_is_named_with_its_invoice_and_the_next_is_read(path, text, fault, excerpt):
    csv_file(path, text, line("536366"))
    bad, good = read(path)
    assert (bad.line, bad.fault, bad.fields["InvoiceNo"]) == (2, fault, "536365")
    assert excerpt in bad.excerpt
    assert (good.line, good.fault) == (3, "")


UNUSABLE = {
    "empty": (b"", "the file is empty"),
    "no header": (line().encode() + b"\n", "first line is not a header"),
    "a column missing": (HEADER.replace(",CustomerID", "").encode() + b"\n", "lacks CustomerID"),
    "a column twice": (f"{HEADER},Country\n".encode(), "names Country twice"),
    "UTF-16": (f"{HEADER}\n".encode("utf-16"), "first line is not a header"),
    "a binary file": (bytes(range(256)) * 10, "first line is n"),
    "no line feeds": (b"x" * (LONGEST_LINE + 1), "longer than 1,048,576 bytes"),
    "a quote left open": (
        f"{HEADER}\n{line(Description=chr(34) + 'A')}\n{line()}\n".encode(),
        "quote opened on line 2",
    ),
    "a quote left open until another": (
        f"{HEADER}\n{line(Description=chr(34) + 'A')}\n{line(Description=chr(34) + 'B' + chr(34))}\n".encode(),
        "close the quote on line 2",
    ),
    "gzip cut off": (gzip.compress(f"{HEADER}\n{line()}\n".encode() * 50)[:-9], "damaged or cut off"),
    "gzip damaged": (gzip.compress(f"{HEADER}\n".encode())[:-8] + b"damaged!", "damaged or cut off"),
    "xz cut off": (lzma.compress(f"{HEADER}\n{line()}\n".encode() * 50)[:-9], "damaged or cut off"),
}


@pytest.mark.parametrize(("content", "message"), UNUSABLE.values(), ids=UNUSABLE)
def test_a_file_that_cannot_be_trusted_is_refused_whole_with_one_clear_error(path, content, message):
    path.write_bytes(content)
    with pytest.raises(UnusableFileError, match=message) as refusal:
        read(path)
    assert "Nothing was imported" in str(refusal.value)


def test_a_pipe_is_read_like_a_file(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    content = gzip.compress(f"{HEADER}\n{line()}\n".encode())
    writer = threading.Thread(target=pipe.write_bytes, args=(content,))
    writer.start()
    (record,) = read(pipe)
    writer.join()
    assert record.fields["InvoiceNo"] == "536365"


def test_a_file_that_is_not_there_is_named(path):
    with pytest.raises(UnusableFileError, match=r"invoices\.csv: No such file"):
        Source(path)


def test_memory_does_not_grow_with_the_file(path):
    def peak(lines):
        csv_file(path, *(line(str(number)) for number in range(lines)))
        with Source(path) as source:
            tracemalloc.start()
            assert sum(1 for _ in records(source)) == lines
            _, most = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        return most

    peak(10)  # what is loaded and remembered at the first time
    assert peak(20_000) < 2 * peak(500)
