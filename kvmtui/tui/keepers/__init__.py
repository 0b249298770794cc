"""What stands behind the panes: one keeper each."""
