-- staged lines -> invoices; another content raises the revision; a file staged later has already spoken for the invoice: no row
INSERT INTO billing_sync_invoice AS held (
    account_id, number, kind, issued_at, country, currency, total,
    revision, digest, source_id, revised_by_id, vendor_id, synced_revision)
SELECT account.id, invoice_no, CASE WHEN invoice_no LIKE 'C%%' THEN 'credit_note' ELSE 'invoice' END,
       min(issued_at), min(staged.country), 'GBP', round(sum(quantity * unit_price), 2), 1,
       encode(sha256(convert_to(jsonb_build_array(
           extract(epoch FROM min(issued_at)), min(staged.country),
           jsonb_agg(jsonb_build_array(stock_code, description, quantity, unit_price)
                     ORDER BY stock_code COLLATE "C", description COLLATE "C", quantity, unit_price))::text, 'UTF8')), 'hex'),
       source_id, source_id, '', 0
FROM billing_sync_importline AS staged JOIN billing_sync_account AS account USING (customer_id)
WHERE source_id = %(source)s AND invoice_no = ANY(%(numbers)s)
GROUP BY account.id, customer_id, invoice_no, source_id
ORDER BY account.id, invoice_no
ON CONFLICT (account_id, number) DO UPDATE
SET revision = held.revision + (held.digest <> EXCLUDED.digest)::int,
    revised_by_id = CASE WHEN held.digest <> EXCLUDED.digest THEN EXCLUDED.source_id ELSE held.revised_by_id END,
    issued_at = EXCLUDED.issued_at, country = EXCLUDED.country, total = EXCLUDED.total,
    digest = EXCLUDED.digest, source_id = EXCLUDED.source_id
WHERE held.source_id < EXCLUDED.source_id
RETURNING id, number, revision, revised_by_id = source_id AS revised,
          (SELECT customer_id FROM billing_sync_account AS owner WHERE owner.id = account_id) AS customer_id
