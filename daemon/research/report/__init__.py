"""What a finished run shows: on the console, as JSON, as one HTML file, through a template of the user's own.

wording.py       every figure with its label, in words
thinning.py      long series as few points that look the same
charts.py        the charts of a run, as plain plotly specifications; colours are names of the page's theme
tables.py        the tables of the page
page.py          one HTML file with everything in it; page.css and page.js are what it is made of
console.py       tables for a terminal
templates.py     the user's own
comparing.py     several runs side by side; compare_page.py is its HTML
parity_page.py   the parity report as HTML
writing.py       `write_report`
"""

from daemon.research.report.writing import write_report

__all__ = ["write_report"]
