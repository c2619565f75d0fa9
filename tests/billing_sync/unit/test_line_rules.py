import pytest

from billing_sync.importing.lines import NO_INVOICE, judge
from billing_sync.importing.reasons import REMEDIES
from billing_sync.importing.records import Record
from tests.billing_sync.files import GOOD


def judged(**changed):
    return judge(Record(7, GOOD | changed))


def test_a_good_line_is_staged_in_its_columns_types():
    staged = judged()
    assert staged.reason == ""
    assert (staged.line, staged.invoice_no, staged.customer_id, staged.quantity) == (7, "536365", 17850, 6)
    assert (staged.unit_price, staged.issued_at) == ("2.55", "2010-12-01 08:26:00+00")


BROKEN = {
    "no invoice number": ({"InvoiceNo": " "}, "missing_invoice_no", "InvoiceNo"),
    "another prefix": ({"InvoiceNo": "A563185"}, "bad_invoice_no", "InvoiceNo"),
    "a number of letters": ({"InvoiceNo": "C"}, "bad_invoice_no", "InvoiceNo"),
    "digits of another script": ({"InvoiceNo": "٥٣٦"}, "bad_invoice_no", "InvoiceNo"),
    "no customer": ({"CustomerID": ""}, "missing_customer", "CustomerID"),
    "a customer as a decimal": ({"CustomerID": "17850.0"}, "bad_customer", "CustomerID"),
    "a customer with leading zero": ({"CustomerID": "017850"}, "bad_customer", "CustomerID"),
    "a customer beyond bigint": ({"CustomerID": "9" * 19}, "bad_customer", "CustomerID"),
    "a day first": ({"InvoiceDate": "1/12/2010 8:26"}, "bad_date", "InvoiceDate"),
    "no such day": ({"InvoiceDate": "2010-02-30 10:00:00"}, "bad_date", "InvoiceDate"),
    "no date": ({"InvoiceDate": ""}, "bad_date", "InvoiceDate"),
    "a quantity in words": ({"Quantity": "six"}, "bad_number", "Quantity"),
    "half a piece": ({"Quantity": "1.5"}, "bad_number", "Quantity"),
    "a quantity with underscore": ({"Quantity": "1_0"}, "bad_number", "Quantity"),
    "a quantity beyond seven digits": ({"Quantity": "10000000"}, "bad_number", "Quantity"),
    "a price with comma": ({"UnitPrice": "2,55"}, "bad_number", "UnitPrice"),
    "a price that is no number": ({"UnitPrice": "NaN"}, "bad_number", "UnitPrice"),
    "a price in powers": ({"UnitPrice": "1e3"}, "bad_number", "UnitPrice"),
    "a price with five decimals": ({"UnitPrice": "1.00001"}, "bad_number", "UnitPrice"),
    "a negative price": ({"UnitPrice": "-11062.06"}, "negative_price", "UnitPrice"),
    "a negative quantity on an invoice": ({"Quantity": "-1"}, "wrong_sign", "Quantity"),
    "a positive quantity on a credit note": ({"InvoiceNo": "C536365"}, "wrong_sign", "Quantity"),
    "nothing": ({"Quantity": "0"}, "wrong_sign", "Quantity"),
    "a long description": ({"Description": "x" * 501}, "too_long", "Description"),
    "a NUL byte": ({"Description": "HE\0ART"}, "nul_byte", "Description"),
    "bytes that are no UTF-8": ({"Description": "CAF\udce9"}, "bad_utf8", "Description"),
}


@pytest.mark.parametrize(("changed", "reason", "column"), BROKEN.values(), ids=BROKEN)
def test_a_line_that_breaks_a_rule_is_staged_with_reason_column_and_value(changed, reason, column):
    staged = judged(**changed)
    assert (staged.reason, staged.column) == (reason, column)
    assert reason in REMEDIES
    assert staged.quantity is None


ACCEPTED = {
    "a price of zero": {"UnitPrice": "0"},
    "a question mark as description": {"Description": "?"},
    "no description": {"Description": ""},
    "spaces around": {"InvoiceNo": " 536365 ", "CustomerID": " 17850"},
    "a small c": {"InvoiceNo": "c536379", "Quantity": "-1"},
    "no seconds": {"InvoiceDate": "2010-12-01T08:26"},
    "letters of other scripts": {"Description": "CÔTE D'IVOIRE ☂"},
}


@pytest.mark.parametrize("changed", ACCEPTED.values(), ids=ACCEPTED)
def test_dirt_that_harms_nothing_is_accepted(changed):
    assert judged(**changed).reason == ""


def test_without_a_customer_a_line_is_named_for_that_before_its_sign():
    assert judged(CustomerID="", Quantity="-30").reason == "missing_customer"


def test_a_number_with_unreadable_bytes_still_rejects_the_invoice_that_it_most_likely_means():
    assert judged(InvoiceNo="5363\x0065").invoice_no == "536365"
    assert judged(InvoiceNo="536365\udcff").invoice_no == "536365"


def test_a_line_of_no_invoice_is_staged_apart():
    assert judged(InvoiceNo="").invoice_no == NO_INVOICE


def test_what_postgresql_cannot_store_is_kept_as_escapes():
    assert judged(Description="A\0B").value == r"A\x00B"
    assert judged(Description="CAF\udce9").value == r"CAF\xe9"
