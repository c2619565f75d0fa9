"""A file of invoice lines becomes accounts, invoices and lines: read, staged, then worked off in chunks."""
