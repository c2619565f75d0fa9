"""Vendors on the bench: what a vendor was really asked, when, and by how many at once, is measured at the vendor."""
