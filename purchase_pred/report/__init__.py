"""The report of a model: tables, charts and words on one page."""
