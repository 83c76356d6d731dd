"""Events at rest: the log's interface and its adapters."""
