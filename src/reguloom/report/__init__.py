"""One self-contained HTML file that shows a whole run, and opens offline."""
