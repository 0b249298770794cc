"""The text interface: what a person sees. It calls `manage` and nothing below it."""
