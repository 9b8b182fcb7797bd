"""The report: one HTML page about a fitted model, or two side by side; nothing outside the page is asked for."""
