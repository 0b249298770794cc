"""What can be done with guests: the one door for the command line and the interface."""
