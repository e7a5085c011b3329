"""Reads times as people's systems write them, and says what the home's clock showed and in which order they were."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from har_llm.common.errors import ConfigError

EPOCH = datetime(1970, 1, 1)
ZERO = timedelta()
MILLISECONDS_FROM = 1e11
"""A number from here on counts milliseconds: as seconds it would be in the year 5138."""
LARGEST = 1e14
NUMBER = re.compile(r"[0-9]{1,16}(?:[.,][0-9]{1,12})?", re.ASCII)
WHOLE = 16
"""Characters of the shortest text that has a date and a time: 2026-03-29 02:05."""
BUCKET = 15
"""Characters of "2026-03-29T02:0": zones change their offset only at multiples of ten minutes, so what begins alike is
shifted alike."""
FORMS = "2026-03-29 08:05:00, 2026-03-29T08:05:00.25Z or +02:00, or UNIX seconds or milliseconds"
"""What can be read, for messages."""


Instant = tuple[datetime, datetime]
"""When something was, by which events are put in order: in UTC where the zone is known, else local; and what the home's
clock showed."""


class UnreadableTime(Exception):
    """A text is no time, or not of the kind of the others; str() says what the rule is."""


def check_form(form: str | None) -> None:
    """Raise ConfigError for a form of times that does not say date, hour and minute."""
    if form is None:
        return
    example = datetime(2031, 12, 30, 23, 59, tzinfo=UTC)
    try:
        said = datetime.strptime(example.strftime(form), form).replace(tzinfo=UTC, second=0, microsecond=0)
    except (ValueError, re.error):
        said = None
    if said != example:
        raise ConfigError(
            f"dataset.time_format is {form!r}; it must say date, hour and minute in strptime's codes, as in "
            f"'%d/%m/%Y %H:%M:%S' or '%m/%d/%y %I:%M %p'."
        )


def zone_of(name: str | None) -> ZoneInfo | None:
    """The zone of dataset.timezone. Raises ConfigError for an unknown one."""
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigError(
            f"dataset.timezone is {name!r}, which is no time zone; write its name, such as Europe/Paris or UTC."
        ) from None


class Times:
    """Reads the times of one recording.

    A time with an offset (Z, +02:00) or in UNIX seconds or milliseconds is shown by the clock of `zone`. Without a zone, it
    is shown by the clock of its own offset, UNIX time by UTC's. A time without an offset is what the clock in the home
    showed, or with `utc` a time in UTC.

    In the hour that comes twice when summer time ends, a local time of a known zone is the second one if the first would be
    before the time that was read just before it. In the hour that is skipped, it is moved on as a clock would have been.
    """

    def __init__(self, zone: ZoneInfo | None, *, utc: bool = False, form: str | None = None):
        """`form`: in strptime's codes, how times may be written besides FORMS."""
        self._zone, self._utc, self._form = zone, utc, form
        self._shifts: dict[str, tuple[timedelta, timedelta]] = {}
        """From the time as written to UTC and to local, by its first BUCKET characters and its offset."""
        self._local: dict[str, tuple[timedelta, timedelta]] = {}
        """The offsets of a local time, by its first BUCKET characters: two where the hour comes twice or is skipped."""
        self._unix: dict[int, timedelta] = {}
        """From UNIX time to local, by its ten minutes."""
        self._known: bool | None = None
        """Whether times are of known zones, where no zone is set; None before the first."""
        self._last = datetime.min
        self.skipped = 0
        """How many local times no clock showed: they are in the hour that is skipped when summer time begins."""

    @property
    def shows_utc(self) -> bool:
        """Whether times may be shown in UTC only because no zone is set."""
        return self._known is True

    def of_people(self) -> Times:
        """What reads the times that people have written down about the same recording: without an offset they are local."""
        times = Times(self._zone, form=self._form)
        times._known = self._known
        return times

    def many(self, texts: Sequence[str]) -> tuple[Sequence[datetime], Sequence[datetime]] | None:
        """Times in order and by the clock, where all are written alike in ISO form: much faster than one by one. None for
        others, which are to be read one by one."""
        if self._form is not None:
            return None
        ends = {text[-1:] for text in texts}
        offset = "Z" if ends == {"Z"} else ""
        if min(map(len, texts)) < WHOLE or {text[10:11] for text in texts} - {"T", " "} or (not offset and "Z" in ends):
            return None
        try:
            moments = (
                [datetime.fromisoformat(text[:-1]) for text in texts] if offset else [*map(datetime.fromisoformat, texts)]
            )
            if {moment.tzinfo for moment in moments} != {None}:
                return None
            return self._alike(texts, moments, offset or ("Z" if self._utc else ""))
        except (ValueError, OverflowError, UnreadableTime):
            return None

    def _alike(
        self, texts: Sequence[str], moments: Sequence[datetime], offset: str
    ) -> tuple[Sequence[datetime], Sequence[datetime]] | None:
        """The same, of times as they are written, all with this offset or without one."""
        if self._zone is None:
            self._expect(known=bool(offset))
            return moments, moments
        begins = [text[:BUCKET] for text in texts]
        shifts = {begin: self._shift_of(begin, offset) for begin in set(begins)}
        if None in shifts.values():
            return None  # summer time ends or begins
        shifted = [moment + shifts[begin] for moment, begin in zip(moments, begins, strict=True)]  # type: ignore[operator]
        if offset:
            return moments, shifted
        self._last = shifted[-1]
        return shifted, moments

    def _shift_of(self, begin: str, offset: str) -> timedelta | None:
        """From UTC to local, or without an offset from local to UTC, for times that begin like this; None where summer time
        begins or ends."""
        if offset:
            return self._shift(begin + offset, datetime.fromisoformat(f"{begin}0"), ZERO)[1]
        first, second = self._local.get(begin) or self._offsets(begin)
        return -first if first == second else None

    def read(self, text: str) -> Instant:
        """Raises UnreadableTime."""
        if self._form is not None:
            with suppress(ValueError):
                text = datetime.strptime(text.strip(), self._form).isoformat(" ")
        try:
            if text[10:11] not in ("T", " "):
                return self._other(text)
            if text[-1] in "Zz":
                return self._aware(text[:-1], "Z")
            if text[-6] in "+-":
                return self._aware(text[:-6], text[-6:])
            if text[-3] in "+-":  # as PostgreSQL writes +02:00
                return self._aware(text[:-3], text[-3:])
            return self._naive(text)
        except (ValueError, OverflowError, IndexError):
            if text != text.strip():
                return self.read(text.strip())
            other = "set dataset.time_format for another form" if self._form is None else f"or as in {self._form}"
            raise UnreadableTime(f"it must be a time, such as {FORMS}; {other}") from None

    def of_unix(self, number: float) -> Instant:
        """Of UNIX seconds, or of milliseconds where they are so large. Raises ValueError or OverflowError."""
        if not 0 <= number < LARGEST:
            raise ValueError(number)
        seconds = number if number < MILLISECONDS_FROM else number / 1000
        order = EPOCH + timedelta(seconds=seconds)
        if self._zone is None:
            self._expect(known=True)
            return order, order
        bucket = int(seconds) // 600
        shift = self._unix.get(bucket)
        if shift is None:
            shift = self._unix[bucket] = self._offset(order)
        return order, order + shift

    def many_of_unix(self, numbers: Sequence[object]) -> tuple[Sequence[datetime], Sequence[datetime]] | None:
        """UNIX seconds in order and by the clock, much faster than one by one. None for others, which are to be read so."""
        seconds = [number for number in numbers if isinstance(number, float) and math.isfinite(number)]
        if len(seconds) < len(numbers) or not (0 <= min(seconds) <= max(seconds) < MILLISECONDS_FROM):
            return None
        orders = [EPOCH + timedelta(0, one) for one in seconds]
        if self._zone is None:
            if self._known is False:
                return None
            self._known = True
            return orders, orders
        buckets = [int(one) // 600 for one in seconds]
        for bucket in set(buckets) - self._unix.keys():
            self._unix[bucket] = self._offset(EPOCH + timedelta(0, bucket * 600))
        return orders, [order + self._unix[bucket] for order, bucket in zip(orders, buckets, strict=True)]

    def _other(self, text: str) -> Instant:
        """UNIX time, or a time in which date and time stand together in another way, such as 20260329T080500."""
        if NUMBER.fullmatch(text):
            return self.of_unix(float(text.replace(",", ".")))
        written = datetime.fromisoformat(text)
        if "T" not in text:
            raise ValueError(text)  # a date
        return self.read(written.isoformat(" "))

    def _aware(self, body: str, offset: str) -> Instant:
        """A time with an offset."""
        written = datetime.fromisoformat(body.rstrip())
        if self._zone is None:
            self._expect(known=True)
            if offset == "Z":
                return written, written
        key = body[:BUCKET] + offset
        shifts = self._shifts.get(key)
        if shifts is None:
            moment = f"2000-01-01T00:00{offset}"
            shifts = self._shift(key, written, datetime.fromisoformat(moment).utcoffset() or ZERO)
        return written + shifts[0], written + shifts[1]

    def _shift(self, key: str, written: datetime, offset: timedelta) -> tuple[timedelta, timedelta]:
        """How far a time with this offset is from UTC, and from what the clock showed."""
        shown = offset if self._zone is None else self._offset(written - offset)
        self._shifts[key] = -offset, shown - offset
        return self._shifts[key]

    def _offset(self, order: datetime) -> timedelta:
        """That of the zone at a time in UTC."""
        return order.replace(tzinfo=UTC).astimezone(self._zone).utcoffset() or ZERO

    def _expect(self, *, known: bool) -> None:
        """Raise UnreadableTime if times before are of known zones and this is not, or the other way round."""
        if self._known is None:
            self._known = known
        elif self._known != known:
            has, before = ("a zone", "has none") if known else ("no zone", "has one")
            raise UnreadableTime(
                f"it has {has}, and a time before it {before}, so their order is unknown; set dataset.timezone to the "
                "home's, such as Europe/Paris"
            )

    def _naive(self, text: str) -> Instant:
        """A time without an offset."""
        if self._utc:
            return self._aware(text, "Z")
        written = datetime.fromisoformat(text)
        if self._zone is not None:
            return self._in_zone(text[:BUCKET], written)
        self._expect(known=False)
        return written, written

    def _in_zone(self, begin: str, written: datetime) -> Instant:
        first, second = self._local.get(begin) or self._offsets(begin)
        order, shown = written - first, written
        if first < second:
            self.skipped += 1
            shown = order + second
        elif order < self._last <= order + (first - second):
            order = written - second
        self._last = order
        return order, shown

    def _offsets(self, begin: str) -> tuple[timedelta, timedelta]:
        """Those of a local time that begins like this."""
        local = datetime.fromisoformat(f"{begin}0")
        first, second = (local.replace(tzinfo=self._zone, fold=fold).utcoffset() or ZERO for fold in (0, 1))
        self._local[begin] = first, second
        return first, second
