"""The reference domain: a wholesaler's invoices come in as files; each is pushed once to the vendor, and mailed."""
