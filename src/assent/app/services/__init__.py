"""What can be done: the same functions for console, management API and command line."""
