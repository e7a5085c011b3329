"""Writes a guessed home as a file that its user can edit, and adds new sensors to an edited one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from har_llm.common.errors import HarError
from har_llm.common.files import write_whole
from har_llm.common.numbers import counted
from har_llm.common.plain_yaml import YamlFault, texts_of
from har_llm.common.text import one_line
from har_llm.data.datasets.own.guess import Guess
from har_llm.data.datasets.own.home_file import OwnDescription, OwnSensor

CHECK = "check"
PLAIN = re.compile(r"[^\W\d_][\w .-]*", re.UNICODE)
SPECIAL = {"on", "off", "yes", "no", "true", "false", "null", "y", "n"}
"""What other programs that read YAML take for something else than a text."""
HEAD = """\
# The home of {data}, drafted by task=init from what its sensors are called and from their values. Edit it:
# task=init changes nothing that is here, it only adds the lines of new sensors. "# check" marks what was guessed with little
# to go by.
"""


def written(data: str, described: OwnDescription, guesses: Mapping[str, Guess], *, labelled: bool) -> str:
    """The text of a new file. `data`: the name of the data's file."""
    home = described.home
    where = "those of the data" if labelled else "the usual ones; keep what you mean, and add what is missing"
    lines = [
        HEAD.format(data=one_line(data)),
        "# What a model should know of the home: who lives there, and what the sensors mean.",
        'description: ""  # check',
        "",
        f"# Activities by number: {where}.",
        "# Rename them freely; labels says what the data call a renamed one.",
        "activities:" if home.activities else "activities: {}  # check",
        *(f"  {number}: {quoted(name)}" for number, name in home.activities.items()),
        "labels: {}  # such as Meal_Preparation: 3",
        "definitions: {}  # such as 3: also just a snack",
        f"null_class: {list(home.null_class)}  # numbers of what stands for nothing in particular",
        "rules: []  # such as: Whoever opens the front door comes or goes.",
        "rooms: {}  # as they are told; empty: those of the sensors. Such as kitchen: [fridge, stove]",
        "",
        '# By id. An event is told as "<room> <name> <word of its value>".',
        "sensors:" if guesses else "sensors: {}",
        *(f"  {line_of(sensor, guess)}" for sensor, guess in guesses.items()),
    ]
    return "\n".join(lines) + "\n"


def line_of(sensor: str, guess: Guess) -> str:
    """The line of a sensor."""
    made, remark = guess
    said = "left_out: true" if made.left_out else _words(made)
    comment = remark if made.left_out else f"{CHECK} {remark}" if remark else ""
    return f"{quoted(sensor)}: {{{said}}}" + (f"  # {one_line(comment)}" if comment else "")


def _words(sensor: OwnSensor) -> str:
    states = ", ".join(f"{quoted(value)}: {quoted(word)}" for value, word in sensor.states.items())
    return f"room: {quoted(sensor.room)}, name: {quoted(sensor.name)}, states: {{{states}}}"


def quoted(text: str) -> str:
    """A text as YAML, quoted unless it cannot be taken for anything else."""
    if PLAIN.fullmatch(text) and text.isprintable() and not text.endswith(" ") and text.casefold() not in SPECIAL:
        return text
    import yaml

    return str(yaml.dump(text, allow_unicode=True, default_style='"', width=float("inf"))).strip()


def add_sensors(path: Path, content: str, guesses: Mapping[str, Guess]) -> None:
    """Add the lines of these sensors behind the last sensor of a file, all else as it is.

    Raises HarError, and leaves the file as it was, where they cannot be added there.
    """
    lines = [line_of(sensor, guess) for sensor, guess in guesses.items()]
    new = _with_lines(content, lines)
    if new is None or not _adds(content, new, set(guesses)):
        raise HarError(
            f"{path} lacks {counted(len(lines), 'sensor')}, and how its sensors are written leaves no place to add a line; "
            f"write these below `sensors:`:\n" + "\n".join(f"  {line}" for line in lines)
        )
    write_whole(path, new)


def _with_lines(content: str, lines: list[str]) -> str | None:
    """The content with these lines at the end of its sensors, indented as those are."""
    kept = content.splitlines(keepends=True)
    starts = [place for place, line in enumerate(kept) if re.match(r"sensors\s*:\s*(#.*)?$", line)]
    if len(starts) != 1:
        return None
    end = starts[0] + 1
    indent = "  "
    for place in range(starts[0] + 1, len(kept)):
        found = re.match(r"([ ]+)[^\s#]", kept[place])
        if found:
            indent, end = (found[1] if end == starts[0] + 1 else indent), place + 1
        elif kept[place].strip() and not kept[place].lstrip().startswith("#"):
            break
    if end and not kept[end - 1].endswith(("\n", "\r")):
        kept[end - 1] += "\n"
    return "".join([*kept[:end], *(f"{indent}{line}\n" for line in lines), *kept[end:]])


def _adds(content: str, new: str, sensors: set[str]) -> bool:
    """Whether the new content says what the old one says, and these sensors."""
    try:
        before, after = texts_of(content).value, texts_of(new).value
    except YamlFault:
        return False
    if not isinstance(before, dict) or not isinstance(after, dict):
        return False
    now = after["sensors"].value if "sensors" in after else ""
    old = before["sensors"].value if "sensors" in before else ""
    if not isinstance(now, dict) or set(now) - sensors != set(old) or not sensors <= set(now):
        return False
    same = {key: _plain(value.value) for key, value in after.items() if key != "sensors"}
    return same == {key: _plain(value.value) for key, value in before.items() if key != "sensors"} and all(
        _plain(now[key].value) == _plain(value.value) for key, value in (old.items() if isinstance(old, dict) else ())
    )


def _plain(value: object) -> object:
    """Texts without their lines."""
    if isinstance(value, list):
        return [_plain(one.value) for one in value]
    return {key: _plain(one.value) for key, one in value.items()} if isinstance(value, dict) else value
