-- staged lines -> accounts; the newest invoice says which country the account is in
INSERT INTO billing_sync_account AS held (customer_id, country, country_as_of)
SELECT DISTINCT ON (customer_id) customer_id, country, issued_at
FROM billing_sync_importline
WHERE source_id = %(source)s AND invoice_no = ANY(%(numbers)s)
ORDER BY customer_id, issued_at DESC, line
ON CONFLICT (customer_id) DO UPDATE
SET country = EXCLUDED.country, country_as_of = EXCLUDED.country_as_of
WHERE held.country_as_of < EXCLUDED.country_as_of
