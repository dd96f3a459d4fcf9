"""Time and memory of every stage, for asv."""
