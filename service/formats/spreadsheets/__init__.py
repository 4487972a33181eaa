"""Spreadsheets (`.xlsx`, `.ods`, `.xls`): measured before they are read, and read as tables of typed columns."""
