"""Reading from the store: whoever looks at accounts must not hold up those who settle them."""

import threading
from pathlib import Path

from sqlalchemy import select

from assent.domain.workspace import Workspace
from assent.store.database import open_database, reading
from assent.store.tables import versions
from assent.store.versions import Versions


def test_nobody_who_writes_waits_for_a_reader(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'state.db'}")
    store = Versions(engine)
    store.save(Workspace("first"), after=0, at=0, author="test")
    with reading(engine) as reader:
        assert len(reader.execute(select(versions)).all()) == 1
        writer = threading.Thread(target=lambda: store.save(Workspace("second"), after=1, at=0, author="test"))
        writer.start()
        writer.join(5)
        assert not writer.is_alive(), "it waits for the reader"
        assert len(reader.execute(select(versions)).all()) == 1, "a reader sees one moment"
    assert store.current_number() == 2
    engine.dispose()
