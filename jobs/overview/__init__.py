"""How everything stands at one moment, on one page: the same numbers for people and, as JSON, for programs."""
