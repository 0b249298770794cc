"""The command line: arguments in, `manage` called, a table or JSON out."""
