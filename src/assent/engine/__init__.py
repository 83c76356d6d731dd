"""The verbs: pure functions over the nouns. No clock, no I/O, no state that outlives a call but a bounded cache."""
