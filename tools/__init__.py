"""Programs for those who work on kvmtui."""
