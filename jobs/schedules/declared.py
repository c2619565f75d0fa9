"""`Schedule(…)`: a schedule declared in code."""
