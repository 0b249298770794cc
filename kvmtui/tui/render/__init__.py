"""Pure functions from views to lines: no widget, no clock, no files."""
