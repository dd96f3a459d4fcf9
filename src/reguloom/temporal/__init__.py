"""Early and late responders: gene modules by their course in time, and when each gene answers."""

from reguloom.temporal.bins import bin_cells
from reguloom.temporal.timecourse import TimeCourse

__all__ = ["TimeCourse", "bin_cells"]
