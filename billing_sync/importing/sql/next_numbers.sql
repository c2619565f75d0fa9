-- the invoices that the next lines of a file belong to, in the order of their numbers; the last one's further lines follow
SELECT DISTINCT invoice_no
FROM (
    SELECT invoice_no
    FROM billing_sync_importline
    WHERE source_id = %(source)s AND invoice_no > %(cursor)s
    ORDER BY invoice_no, line
    LIMIT %(lines)s
) AS next_lines
ORDER BY invoice_no
