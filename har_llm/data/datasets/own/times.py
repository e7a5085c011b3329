"""Reads times as people's systems write them, and says what the home's clock showed and in which order they were."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from har_llm.common.errors import ConfigError

EPOCH = datetime(1970, 1, 1)
ZERO = timedelta()
UNIX_FROM, UNIX_TO = 631_152_000, 4_102_444_800
"""The UNIX seconds of 1990 and of 2100. Other numbers are no UNIX time but a time without its separators, such as
20260329080500, or a count of something."""
TEN_MINUTES = timedelta(minutes=10)
"""Zones change their offset only at multiples of these."""
STEP = timedelta(minutes=5)
"""Rows that are written late go back less; a clock that is set back goes back further, unless the home was quiet."""
NUMBER = re.compile(r"[0-9]{1,16}(?:[.,][0-9]{1,12})?", re.ASCII)
TIME_FROM = 10
"""Where the time of day begins in 2026-03-29T08:05: a sign behind it is that of an offset."""
WHOLE = 16
"""Characters of the shortest text that has a date and a time: 2026-03-29 02:05."""
BUCKET = 15
"""Characters of "2026-03-29T02:0": what begins alike is of the same ten minutes."""
FORMS = "2026-03-29 08:05:00, 2026-03-29T08:05:00.25Z or +02:00, or UNIX seconds or milliseconds of 1990 to 2100"
"""What can be read, for messages."""


Instant = tuple[datetime, datetime]
"""When something was, by which events are put in order: in UTC where the zone is known, else local, in both cases without an
offset; and what the home's clock showed, with its offset where the zone is known."""


class UnreadableTime(Exception):
    """A text is no time, or not of the kind of the others; str() says what the rule is."""


class UnorderedTime(UnreadableTime):
    """A text is a time, but not of the kind of the others."""


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
        near = next((f" Did you mean {one}?" for one in available_timezones() if one.lower() == name.lower()), "")
        raise ConfigError(
            f"dataset.timezone is {name!r}, which is no time zone; write its name, such as Europe/Paris or UTC.{near}"
        ) from None


class Times:
    """Reads the times of one recording.

    A time with an offset (Z, +02:00) or in UNIX seconds or milliseconds is shown by the clock of `zone`. Without a zone, it
    is shown by the clock of its own offset, UNIX time by UTC's. A time without an offset is what the clock in the home
    showed, or with `utc` a time in UTC.

    In the hour that comes twice when summer time ends, a local time of a known zone is the first one, unless what was read
    before proves that it is the second: the times came from before that hour, and then one went back by more than STEP
    within it, from which on all are the second. Where the newest is first it is the other way round: the times came from
    behind that hour, falling, and are the second until one goes forward so far. In the hour that is skipped, a time is moved
    on as a clock would have been.
    """

    def __init__(self, zone: ZoneInfo | None, *, utc: bool = False, form: str | None = None):
        """`form`: in strptime's codes, how times may be written besides FORMS."""
        self._zone, self._utc, self._form = zone, utc, form
        self._local: dict[int, tuple[timedelta, timedelta]] = {}
        """The offsets of a local time, by its ten minutes: two where the hour comes twice or is skipped."""
        self._utc_to_local: dict[int, timedelta] = {}
        """From a time in UTC to local, by its ten minutes."""
        self._known: bool | None = None
        """Whether times are of known zones, where no zone is set; None before the first."""
        self._last = datetime.min
        """The order of the local time that was read last."""
        self._fell = False
        """Whether it was earlier than the one before it."""
        self._repeated = self._rising = self._falling = self._second = False
        """Of the hour that comes twice: whether the last time was in it, whether the times came from before it or fell into
        it from behind, and whether they are the second ones now."""
        self.skipped = 0
        """How many local times no clock showed: they are in the hour that is skipped when summer time begins."""
        self.repeated = 0
        """How many local times the clock showed twice."""

    @property
    def shows_utc(self) -> bool:
        """Whether times may be shown in UTC only because no zone is set."""
        return self._known is True

    def of_people(self) -> Times:
        """What reads the times that people have written down about the same recording: without an offset they are local."""
        times = Times(self._zone, form=self._form)
        times._known = self._known
        return times

    def of_this_machine(self, seconds: float) -> Instant:
        """What this machine's clock shows at a UNIX time: in its own zone where the times that are read here have none."""
        if self._known is False:
            local = datetime.fromtimestamp(seconds)
            return local, local
        order = EPOCH + timedelta(seconds=seconds)
        return order, self._shown(order)

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
            return moments, [_epoch(ZERO) + (moment - EPOCH) for moment in moments] if offset else moments
        begins = [text[:BUCKET] for text in texts]
        found = {begin: self._offset_of(begin, offset) for begin in set(begins)}
        offsets = {begin: one for begin, one in found.items() if one is not None}
        if len(offsets) < len(found):
            return None  # summer time ends or begins
        epochs = {begin: _epoch(one) + (one if offset else ZERO) for begin, one in offsets.items()}
        clocks = [epochs[begin] + (moment - EPOCH) for moment, begin in zip(moments, begins, strict=True)]
        if offset:
            return moments, clocks
        orders = [moment - offsets[begin] for moment, begin in zip(moments, begins, strict=True)]
        self._fell = orders[-1] < (orders[-2] if len(orders) > 1 else self._last)
        self._last, self._repeated = orders[-1], False
        return orders, clocks

    def _offset_of(self, begin: str, offset: str) -> timedelta | None:
        """The zone's, for times that begin like this; None where it is not known, as summer time begins or ends."""
        moment = datetime.fromisoformat(f"{begin}0")
        if offset:
            return self._to_local(moment)
        first, second = self._offsets(moment)
        return first if first == second else None

    def read(self, text: str, after: datetime | None = None) -> Instant:
        """`after`: in order, what the time cannot be before, such as the start of what it ends; it says which one is meant
        in the hour that comes twice. Raises UnreadableTime."""
        if self._form is not None:
            with suppress(ValueError):
                text = datetime.strptime(text.strip(), self._form).isoformat(" ")
        try:
            if text[10:11] not in ("T", " "):
                return self._other(text, after)
            if text[-1] in "Zz":
                return self._aware(f"{text[:-1].rstrip()}Z")
            if (sign := max(text.rfind("+"), text.rfind("-"))) > TIME_FROM:
                return self._aware(f"{text[:sign].rstrip()}{text[sign:]}")
            return self._naive(text, after)
        except (ValueError, OverflowError, IndexError):
            if text != text.strip():
                return self.read(text.strip(), after)
            other = "set dataset.time_format for another form" if self._form is None else f"or as in {self._form}"
            raise UnreadableTime(f"it must be a time, such as {FORMS}; {other}") from None

    def of_unix(self, number: float) -> Instant:
        """Of UNIX seconds, or of milliseconds where they are so large. Raises ValueError for what is neither of 1990 to
        2100."""
        seconds = number if number < UNIX_TO else number / 1000
        if not UNIX_FROM <= seconds < UNIX_TO:
            raise ValueError(number)
        order = EPOCH + timedelta(seconds=seconds)
        if self._zone is None:
            self._expect(known=True)
        return order, self._shown(order)

    def many_of_unix(self, numbers: Sequence[object]) -> tuple[Sequence[datetime], Sequence[datetime]] | None:
        """UNIX seconds in order and by the clock, much faster than one by one. None for others, which are to be read so."""
        seconds = [number for number in numbers if isinstance(number, float) and math.isfinite(number)]
        if len(seconds) < len(numbers) or not (UNIX_FROM <= min(seconds) <= max(seconds) < UNIX_TO):
            return None
        orders = [EPOCH + timedelta(0, one) for one in seconds]
        if self._zone is None:
            if self._known is False:
                return None
            self._known = True
            return orders, [_epoch(ZERO) + (order - EPOCH) for order in orders]
        buckets = [int(one) // 600 for one in seconds]
        offsets = {bucket: self._to_local(EPOCH + bucket * TEN_MINUTES) for bucket in set(buckets)}
        epochs = {bucket: _epoch(offset) + offset for bucket, offset in offsets.items()}
        return orders, [epochs[bucket] + (order - EPOCH) for order, bucket in zip(orders, buckets, strict=True)]

    def _other(self, text: str, after: datetime | None) -> Instant:
        """UNIX time, or a time in which date and time stand together in another way, such as 20260329T080500."""
        if NUMBER.fullmatch(text):
            return self.of_unix(float(text.replace(",", ".")))
        written = datetime.fromisoformat(text)
        if "T" not in text:
            raise ValueError(text)  # a date
        return self.read(written.isoformat(" "), after)

    def _aware(self, text: str) -> Instant:
        """A time with an offset."""
        aware = datetime.fromisoformat(text)
        if (aware.utcoffset() or ZERO).microseconds:
            raise ValueError(text)
        written, offset = aware.replace(tzinfo=None), aware.utcoffset()
        order = written - offset if offset else written
        if self._zone is None:
            self._expect(known=True)
            return order, aware
        return order, self._shown(order)

    def _shown(self, order: datetime) -> datetime:
        """A time in UTC by the zone's clock, or by UTC's where no zone is set."""
        offset = ZERO if self._zone is None else self._to_local(order)
        return _epoch(offset) + (order + offset - EPOCH)

    def _to_local(self, order: datetime) -> timedelta:
        """The offset of the zone at a time in UTC."""
        bucket = (order - EPOCH) // TEN_MINUTES
        found = self._utc_to_local.get(bucket)
        if found is None:
            found = self._utc_to_local[bucket] = order.replace(tzinfo=UTC).astimezone(self._zone).utcoffset() or ZERO
        return found

    def _expect(self, *, known: bool) -> None:
        """Raise UnorderedTime if times before are of known zones and this is not, or the other way round."""
        if self._known is None:
            self._known = known
        elif self._known != known:
            has, before = ("a zone", "has none") if known else ("no zone", "has one")
            raise UnorderedTime(
                f"it has {has}, and a time before it {before}, so their order is unknown; set dataset.timezone to the "
                "home's, such as Europe/Paris"
            )

    def _naive(self, text: str, after: datetime | None) -> Instant:
        """A time without an offset."""
        if self._utc:
            return self._aware(f"{text}Z")
        written = datetime.fromisoformat(text)
        if self._zone is not None:
            return self._in_zone(written, after)
        self._expect(known=False)
        return written, written

    def _in_zone(self, written: datetime, after: datetime | None) -> Instant:
        first, second = self._offsets(written)
        order = written - first
        if first < second:
            self.skipped += 1
        repeated = first > second
        if repeated:
            self.repeated += 1
            if order < after if after is not None else self._is_second(order, written - second):
                order = written - second
        if after is None:
            self._last, self._fell, self._repeated = order, order < self._last, repeated
        return order, self._shown(order)

    def _is_second(self, first: datetime, second: datetime) -> bool:
        """Whether a time in the hour that comes twice is known to be the second one, by the order of both."""
        if not self._repeated:
            self._rising = self._last <= first
            self._second = self._falling = self._fell and not self._rising
        elif self._rising and self._last - first > STEP:
            self._second = True
        elif self._falling and second - self._last > STEP:
            self._second = False
        return self._second

    def _offsets(self, written: datetime) -> tuple[timedelta, timedelta]:
        """Those of a local time."""
        bucket = (written - EPOCH) // TEN_MINUTES
        found = self._local.get(bucket)
        if found is None:
            first, second = (written.replace(tzinfo=self._zone, fold=fold).utcoffset() or ZERO for fold in (0, 1))
            found = self._local[bucket] = first, second
        return found


@cache
def _epoch(offset: timedelta) -> datetime:
    """EPOCH by a clock of this offset. What is added to it is a time with an offset, four times as fast as
    datetime.replace makes one."""
    return EPOCH.replace(tzinfo=UTC if offset == ZERO else timezone(offset))
