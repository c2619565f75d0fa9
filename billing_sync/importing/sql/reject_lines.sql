-- staged line -> reject: it broke a rule, or names another customer than the first good line of its invoice
INSERT INTO billing_sync_importreject (source_id, line, invoice_no, "column", reason, value)
SELECT source_id, line, invoice_no,
       CASE WHEN reason = '' THEN 'CustomerID' ELSE "column" END,
       CASE WHEN reason = '' THEN %(disagrees)s ELSE reason END,
       CASE WHEN reason = '' THEN customer_id::text ELSE value END
FROM (
    SELECT *, first_value(customer_id) OVER (PARTITION BY invoice_no ORDER BY reason <> '', line) AS first_customer
    FROM billing_sync_importline
    WHERE source_id = %(source)s AND invoice_no = ANY(%(numbers)s)
) AS staged
WHERE reason <> '' OR customer_id <> first_customer
ORDER BY line
RETURNING invoice_no, line, reason
