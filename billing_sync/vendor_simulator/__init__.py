"""Ledgerly, simulated: a real HTTP server that misbehaves as asked, with a ledger of its own to count effects by."""
