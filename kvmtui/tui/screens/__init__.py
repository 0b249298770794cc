"""Screens: the main one with the panes, and those that lie over it."""
