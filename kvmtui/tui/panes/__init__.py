"""The panes: one a tab."""
