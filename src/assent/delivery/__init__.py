"""The workers: each reads the log from its cursor, decides, sends and settles."""
