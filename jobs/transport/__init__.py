"""Kombu's transports for a broker that may hold anything, may hang, and may refuse to take more."""
