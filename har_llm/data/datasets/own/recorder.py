"""Reads the SQLite database of Home Assistant's recorder, while Home Assistant may be writing to it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from har_llm.common.files import open_bounded
from har_llm.common.text import composed
from har_llm.data.datasets.files import FileReader

MAGIC = b"SQLite format 3\x00"
WAIT = 5.0
"""Seconds for another program to release the database."""
TIMES = ("last_changed_ts", "last_updated_ts", "last_changed", "last_updated")
"""Columns of a state's time, the best first; the first is null where it equals the second, and older versions of Home
Assistant have the last two, as texts in UTC."""
CUT_SHORT = "the file is cut short or damaged; copy it again while Home Assistant is stopped, or use its backup"

State = tuple[str | None, str | None, float | str | None]
"""Entity (None where the database has lost its name), state, and when it was changed: UNIX seconds, or a text in UTC."""


def is_database(path: Path) -> bool:
    """Whether a file begins as a SQLite database does. Raises OSError."""
    with open_bounded(path) as stream:
        return stream.read(len(MAGIC)) == MAGIC


class Recorder:
    """The states of a recorder's database. It is only ever read. Faults go to a FileReader."""

    def __init__(self, path: Path, reader: FileReader):
        self._path, self._reader = path, reader

    def states(self) -> Iterator[State]:
        """Every state, in the order of the table."""
        yield from self._rows(self._states)

    def attributes(self) -> Mapping[str, Mapping[str, object]]:
        """The attributes of each entity's last state that has any, as far as the database has them."""
        found: dict[str, Mapping[str, object]] = {}
        for entity, text in self._rows(self._attributes):
            try:
                said = json.loads(text)
            except (ValueError, RecursionError):
                continue
            if entity is not None and isinstance(said, dict):
                found[entity] = said
        return found

    def _rows(self, query: Any) -> Iterator[Any]:
        """The rows of a query that is made of the database. A fault where there is no such database."""
        try:
            address = f"file:{quote(str(self._path.absolute()))}?mode=ro"
            with closing(sqlite3.connect(address, uri=True, timeout=WAIT)) as database:
                database.execute("PRAGMA trusted_schema=OFF")
                database.text_factory = lambda raw: composed(raw.decode("utf-8", "replace"))
                if (asked := query(database)) is not None:
                    yield from database.execute(asked)
        except sqlite3.OperationalError as error:
            self._fault(*_operational(error))
        except sqlite3.DatabaseError as error:
            self._fault("damaged database", f"it cannot be read ({error}); {CUT_SHORT}")

    def _fault(self, kind: str, message: str) -> None:
        self._reader.fault(self._path, None, kind, message)

    def _states(self, database: sqlite3.Connection) -> str | None:
        """The query for all states; None, and a fault, for a database without them."""
        columns = _columns(database, "states")
        if not columns:
            self._fault("no recorder", "it has no table `states`, as Home Assistant's recorder has; name its database")
            return None
        entities = _entities(database, columns)
        times = [one for one in TIMES if one in columns]
        if entities is None or "state" not in columns or not times:
            version = _schema_version(database)
            rule = "export the history of your sensors as CSV instead, and name that"
            message = f"its schema is version {version}, and its table `states` is of a form unknown here; {rule}"
            self._fault("unknown schema", message)
            return None
        entity, joined = entities
        when = ", ".join(f"states.{one}" for one in times)
        return f"SELECT {entity}, states.state, COALESCE({when}, NULL) FROM states {joined}"  # noqa: S608

    def _attributes(self, database: sqlite3.Connection) -> str | None:
        columns = _columns(database, "states")
        entities = _entities(database, columns)
        if entities is None:
            return None
        entity, joined = entities
        groups = ", ".join(one for one in ("metadata_id", "entity_id") if one in columns)
        last = "SELECT *, MAX(rowid) AS newest FROM states WHERE {} IS NOT NULL GROUP BY " + groups  # noqa: S608
        if "attributes_id" in columns and "shared_attrs" in _columns(database, "state_attributes"):
            states = last.format("attributes_id")
            also = f"JOIN state_attributes ON state_attributes.attributes_id = states.attributes_id {joined} ORDER BY newest"
            return f"SELECT {entity}, shared_attrs FROM ({states}) AS states {also}"  # noqa: S608
        if "attributes" in columns:
            return f"SELECT {entity}, attributes FROM ({last.format('attributes')}) AS states {joined} ORDER BY newest"  # noqa: S608
        return None


def _columns(database: sqlite3.Connection, table: str) -> set[str]:
    """Of a table; none for a view, which could compute anything."""
    is_table = database.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)).fetchone()
    return {row[1] for row in database.execute(f"PRAGMA table_info({table})")} if is_table else set()


def _entities(database: sqlite3.Connection, columns: set[str]) -> tuple[str, str] | None:
    """What names a state's entity, and the table to be joined for it. While Home Assistant moves the names of an older
    database into that table, states that it has not reached have them still."""
    own = "states.entity_id" if "entity_id" in columns else None
    if "metadata_id" in columns and {"metadata_id", "entity_id"} <= _columns(database, "states_meta"):
        joined = "LEFT JOIN states_meta ON states_meta.metadata_id = states.metadata_id"
        return f"COALESCE(states_meta.entity_id, {own or 'NULL'})", joined
    return (own, "") if own else None


def _schema_version(database: sqlite3.Connection) -> str:
    if "schema_version" not in _columns(database, "schema_changes"):
        return "unknown"
    return str(database.execute("SELECT MAX(schema_version) FROM schema_changes").fetchone()[0])


def _operational(error: sqlite3.OperationalError) -> tuple[str, str]:
    """Kind and message of a fault."""
    if "locked" in str(error) or "busy" in str(error):
        rule = f"for more than {WAIT:g} s; try again in a minute, or read a copy"
        return "locked database", f"another program has locked it {rule}"
    if "unable to open" in str(error) or "readonly" in str(error):  # SQLite keeps files beside a database that is written to
        rule = "copy it, with the files beside it that end in -wal and -shm, into a folder that you may write to"
        return "unreadable", f"it cannot be opened; {rule}"
    return "damaged database", f"it cannot be read ({error}); {CUT_SHORT}"
