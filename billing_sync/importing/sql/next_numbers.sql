-- the next invoice numbers of a file, wherever in it their lines stand
SELECT DISTINCT invoice_no
FROM billing_sync_importline
WHERE source_id = %(source)s AND invoice_no > %(cursor)s
ORDER BY invoice_no
LIMIT %(limit)s
