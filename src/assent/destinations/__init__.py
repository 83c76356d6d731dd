"""One file is one connector, carrying its settings type, its documentation and its icon."""
