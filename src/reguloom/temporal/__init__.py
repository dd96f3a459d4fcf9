"""Early and late responders: gene modules by their course in time, and when each gene answers."""
