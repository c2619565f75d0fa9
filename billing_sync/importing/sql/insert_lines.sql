-- staged lines -> lines of the invoices that are new or changed, numbered in the file's order
INSERT INTO billing_sync_invoiceline (invoice_id, position, stock_code, description, quantity, unit_price)
SELECT invoice.id, row_number() OVER (PARTITION BY invoice.id ORDER BY line),
       stock_code, description, quantity, unit_price
FROM billing_sync_importline AS staged
JOIN billing_sync_account AS account USING (customer_id)
JOIN billing_sync_invoice AS invoice ON invoice.account_id = account.id AND invoice.number = staged.invoice_no
WHERE staged.source_id = %(source)s AND invoice_no = ANY(%(numbers)s) AND invoice.id = ANY(%(invoices)s)
