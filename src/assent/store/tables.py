"""The tables of the store. Times are UTC epoch milliseconds; minutes, hours and days are counted from the UTC epoch."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    false,
)

metadata = MetaData()

versions = Table(
    "versions",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("author", String(200), nullable=False),
    Column("comment", Text, nullable=False),
    Column("workspace", LargeBinary, nullable=False),  # the JSON of domain.Workspace
)

secrets = Table(
    "secrets",
    metadata,
    Column("reference", String(64), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("role", String(16), nullable=False),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("created_at", BigInteger, nullable=False),
)

cursors = Table(
    "cursors",
    metadata,
    Column("destination", String(200), primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("skipped", BigInteger, nullable=False),
    Column("until", BigInteger),
)

spans = Table(
    "spans",
    metadata,
    Column("destination", String(200), nullable=False),
    Column("start", BigInteger, nullable=False),
    Column("end", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("destination", "start"),
)

counters = Table(
    "counters",
    metadata,
    Column("destination", String(200), nullable=False),
    Column("minute", BigInteger, nullable=False),
    Column("source", String(200), nullable=False),
    Column("state", String(16), nullable=False),  # delivered, withheld, failed
    Column("reason", String(40), nullable=False),
    Column("events", BigInteger, nullable=False),
    PrimaryKeyConstraint("destination", "minute", "source", "state", "reason"),
    Index("counters_by_minute", "minute"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("destination", String(200), nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("source", String(200), nullable=False),
    Column("message_id", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("decision", LargeBinary, nullable=False),  # the JSON of domain.Decision
    Column("version", Integer, nullable=False),
    Column("tried", Integer, nullable=False),
    Column("first_at", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("answer", Text, nullable=False),
    Column("http_status", Integer),
    Column("settled_at", BigInteger),
    PrimaryKeyConstraint("destination", "offset"),
    Index("attempts_by_state", "state", "destination"),
)

users = Table(
    "users",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("email", String(254), nullable=False, unique=True),  # in lower case
    Column("name", String(200), nullable=False),
    Column("role", String(16), nullable=False),
    Column("password", Text),  # argon2id, encoded; none for who signs in elsewhere
    Column("created_at", BigInteger, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("user_id", String(32), nullable=False, index=True),
    Column("opened_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("notice", Text),  # what the next page says of what was just done
)

invitations = Table(
    "invitations",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("email", String(254)),  # none in the link that makes the first owner
    Column("role", String(16), nullable=False),
    Column("invited_by", String(254), nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)

sign_in_failures = Table(
    "sign_in_failures",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),  # of what was tried to sign in with
    Column("failures", Integer, nullable=False),
    Column("last_at", BigInteger, nullable=False),
)

trail = Table(
    "trail",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("author", String(254), nullable=False),
    Column("action", String(100), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("id", String(254), nullable=False),
    Column("before", LargeBinary),  # JSON
    Column("after", LargeBinary),  # JSON
    Column("version", Integer),
    Column("comment", Text, nullable=False),
    Index("trail_by_time", "at"),
)

event_counters = Table(
    "event_counters",
    metadata,
    Column("destination", String(200), nullable=False),
    Column("hour", BigInteger, nullable=False),
    Column("source", String(200), nullable=False),
    Column("event", String(100), nullable=False),  # its name; beyond a bound of different ones, nothing
    Column("state", String(16), nullable=False),
    Column("reason", String(40), nullable=False),
    Column("events", BigInteger, nullable=False),
    PrimaryKeyConstraint("hour", "destination", "source", "event", "state", "reason"),
    sqlite_with_rowid=False,
)

hour_counters = Table(
    "hour_counters",
    metadata,
    Column("destination", String(200), nullable=False),
    Column("hour", BigInteger, nullable=False),
    Column("source", String(200), nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", String(40), nullable=False),
    Column("events", BigInteger, nullable=False),
    PrimaryKeyConstraint("hour", "destination", "source", "state", "reason"),
    sqlite_with_rowid=False,
)

day_counters = Table(
    "day_counters",
    metadata,
    Column("destination", String(200), nullable=False),
    Column("day", BigInteger, nullable=False),
    Column("source", String(200), nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", String(40), nullable=False),
    Column("events", BigInteger, nullable=False),
    PrimaryKeyConstraint("day", "destination", "source", "state", "reason"),
    sqlite_with_rowid=False,
)

event_day_counters = Table(
    "event_day_counters",
    metadata,
    Column("destination", String(200), nullable=False),
    Column("day", BigInteger, nullable=False),
    Column("source", String(200), nullable=False),
    Column("event", String(100), nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", String(40), nullable=False),
    Column("events", BigInteger, nullable=False),
    PrimaryKeyConstraint("day", "destination", "source", "event", "state", "reason"),
    sqlite_with_rowid=False,
)

held_stretches = Table(
    "held_stretches",
    metadata,
    Column("destination", String(200), nullable=False),
    Column("start", BigInteger, nullable=False),
    Column("end", BigInteger, nullable=False),
    Column("events", BigInteger, nullable=False),
    Column("hold", String(16), nullable=False),  # what held them: engine.hold.Holds.key
    PrimaryKeyConstraint("destination", "start"),
)

rereads = Table(
    "rereads",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),  # in the order in which they were read
    Column("destination", String(200), nullable=False),
    Column("start", BigInteger, nullable=False),
    Column("end", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("selection", LargeBinary, nullable=False),  # the JSON of domain.Selection
    Index("rereads_by_destination", "destination", "end"),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("destination", String(200), nullable=False),
    Column("start", BigInteger, nullable=False),
    Column("end", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("selection", LargeBinary, nullable=False),  # the JSON of domain.Selection
    Column("author", String(254), nullable=False),
    Column("why", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("speed", Integer),  # events a second
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("tally", LargeBinary, nullable=False),  # the JSON of domain.Tally
    Column("note", Text, nullable=False),
    Index("jobs_by_state", "state", "destination"),
)

drafts = Table(
    "drafts",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("base", Integer, nullable=False),
    Column("workspace", LargeBinary, nullable=False),  # the JSON of domain.Workspace
    Column("author", String(254), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("shadow", Boolean, nullable=False, server_default=false()),
)

shadow_counters = Table(
    "shadow_counters",
    metadata,
    Column("draft", String(32), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("destination", String(200), nullable=False),
    Column("minute", BigInteger, nullable=False),
    Column("direction", String(16), nullable=False),
    Column("reason", String(40), nullable=False),
    Column("events", BigInteger, nullable=False),
    PrimaryKeyConstraint("draft", "revision", "minute", "destination", "direction", "reason"),
    sqlite_with_rowid=False,
)

receipts = Table(
    "receipts",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("position", BigInteger, nullable=False),
    Column("id", String(32), nullable=False, unique=True),
    Column("user_id", Text),
    Column("anonymous_id", Text),
    Column("preferences", LargeBinary, nullable=False),  # the JSON of what was said per category
    Column("complete", Boolean, nullable=False),
    Column("readable", Boolean, nullable=False),
    Column("method", String(16), nullable=False),
    Column("source", String(200), nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("skew", BigInteger, nullable=False),
    Column("notice", LargeBinary, nullable=False),  # the JSON of domain.Notice
    Column("offset", BigInteger, unique=True),  # of the event that said it: no event says it twice
    Column("evidence", LargeBinary, nullable=False),  # compressed
    Column("salt", LargeBinary),
    Column("sealed_ids", LargeBinary(32), nullable=False),
    Column("sealed_evidence", LargeBinary(32), nullable=False),
    Column("previous", LargeBinary(32), nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    Index("receipts_by_user", "user_id", "number"),
    Index("receipts_by_anonymous", "anonymous_id", "number"),
)

identities = Table(
    "identities",
    metadata,
    Column("anonymous_id", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    PrimaryKeyConstraint("anonymous_id", "user_id"),
)

profiles = Table(
    "profiles",
    metadata,
    Column("person", Text, primary_key=True),  # u and a user id, or a and an anonymous id
    Column("profile", LargeBinary, nullable=False),  # the JSON of domain.Profile
    Column("is_joined", Boolean, nullable=False),  # an anonymous id that belongs to a user id: no person of its own
    Column("said", LargeBinary),  # what this device, or a user id without one, said last: the JSON of what was said
)

people_by_answer = Table(
    "people_by_answer",
    metadata,
    Column("category", Text, nullable=False),
    Column("preference", String(16), nullable=False),
    Column("people", BigInteger, nullable=False),
    PrimaryKeyConstraint("category", "preference"),
)

ledger = Table(
    "ledger",
    metadata,
    Column("only", Integer, primary_key=True, autoincrement=False),  # there is one row
    Column("position", BigInteger, nullable=False),  # the next offset to read
    Column("number", BigInteger, nullable=False),  # of the newest receipt
    Column("hash", LargeBinary(32), nullable=False),  # of the newest receipt
    Column("last_received_at", BigInteger, nullable=False),  # of the newest event that was read
    Column("skew", BigInteger, nullable=False),  # how far the clock has been set back since
    Column("people", BigInteger, nullable=False),
    Column("removals", BigInteger, nullable=False),  # how often anybody was forgotten
)

consent_keys = Table(
    "consent_keys",
    metadata,
    Column("key", String(200), primary_key=True),  # the idempotency key of a request
    Column("digest", LargeBinary(32), nullable=False),  # of what it asked
    Column("at", BigInteger, nullable=False),
    Column("receipts", LargeBinary, nullable=False),  # the JSON of the receipts' ids
)
regulations = Table(
    "regulations",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("type", String(40), nullable=False),
    Column("subject_type", String(16), nullable=False),
    Column("people", Integer, nullable=False),
    Column("status", String(16), nullable=False),
    Column("author", String(254), nullable=False),
    Column("why", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    Column("started_from", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("erased", BigInteger, nullable=False),
    Column("is_swept", Boolean, nullable=False),
    Index("regulations_by_time", "created_at", "id"),
)

regulated = Table(  # whom a regulation is about
    "regulated",
    metadata,
    Column("regulation", String(32), nullable=False),
    Column("digest", LargeBinary(16), nullable=False),
    Column("id", Text),  # none once it was deleted
    PrimaryKeyConstraint("regulation", "digest"),
    Index("regulated_by_digest", "digest"),
)

told = Table(  # what destinations said when they were told to delete
    "told",
    metadata,
    Column("regulation", String(32), nullable=False),
    Column("destination", String(200), nullable=False),
    Column("status", String(16), nullable=False),
    Column("answer", Text, nullable=False),
    Column("tried", Integer, nullable=False),
    Column("first_at", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    PrimaryKeyConstraint("regulation", "destination"),
)

suppressions = Table(
    "suppressions",
    metadata,
    Column("digest", LargeBinary(16), primary_key=True),
    Column("type", String(16), nullable=False),
    Column("id", Text),  # none once it was deleted
    Column("regulation", String(32), nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("suppressions_by_time", "at", "digest"),
)

pages_without_tool = Table(
    "pages_without_tool",
    metadata,
    Column("source", String(200), nullable=False),
    Column("hour", BigInteger, nullable=False),
    Column("pages", BigInteger, nullable=False),
    PrimaryKeyConstraint("hour", "source"),
    sqlite_with_rowid=False,
)
