"""Figures, printed by ./dev bench; compared in one run, never asserted."""
