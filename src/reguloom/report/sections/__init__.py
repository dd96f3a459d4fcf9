"""The panels of the report, one file each: what a panel shows as plain values, or None where there is nothing."""
