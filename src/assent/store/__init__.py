"""Everything else at rest: versions, accounts, people. SQLAlchemy over SQLite or PostgreSQL."""
