"""Every reason for which a line is refused, by name, with what to do about it."""

BAD_CSV = "bad_csv"
WRONG_COLUMN_COUNT = "wrong_column_count"
NUL_BYTE = "nul_byte"
BAD_UTF8 = "bad_utf8"
MISSING_INVOICE_NO = "missing_invoice_no"
BAD_INVOICE_NO = "bad_invoice_no"
MISSING_CUSTOMER = "missing_customer"
BAD_CUSTOMER = "bad_customer"
BAD_DATE = "bad_date"
BAD_NUMBER = "bad_number"
NEGATIVE_PRICE = "negative_price"
WRONG_SIGN = "wrong_sign"
TOO_LONG = "too_long"
CUSTOMER_DISAGREES = "customer_disagrees"
# Nothing is wrong with the line itself: another line of its invoice was refused, and invoices are never half imported.
WITH_ITS_INVOICE = "with_its_invoice"

REMEDIES = {
    BAD_CSV: 'Close every quote, and write a quote inside a field as "".',
    WRONG_COLUMN_COUNT: "Give the line as many columns as the header; put fields that hold a comma in quotes.",
    NUL_BYTE: "Remove the NUL byte; the file may have been damaged in transfer.",
    BAD_UTF8: "Save the file as UTF-8.",
    MISSING_INVOICE_NO: "Say which invoice the line belongs to.",
    BAD_INVOICE_NO: "Use digits, with C in front for a credit note, 20 characters at most.",
    MISSING_CUSTOMER: "Say which customer the invoice belongs to.",
    BAD_CUSTOMER: "Use the customer's number: 1 to 18 digits, the first not 0.",
    BAD_DATE: "Write the date as 2010-12-31 17:05:00; it is taken as UTC.",
    BAD_NUMBER: "Write a whole quantity of up to 7 digits, and a price like 1250.99: at most 8 digits, 4 decimals.",
    NEGATIVE_PRICE: "State a price of 0 or above; a credit note has negative quantities instead.",
    WRONG_SIGN: "State quantities above 0 on an invoice, below 0 on a credit note.",
    TOO_LONG: "Shorten it: stock code 40 characters, description 500, country 60.",
    CUSTOMER_DISAGREES: "Give all lines of the invoice the same customer.",
    WITH_ITS_INVOICE: "Nothing: mend the other lines of its invoice.",
}
