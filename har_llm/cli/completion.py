"""Completion of a command line by the Tab key: what may follow, and the scripts of shells.py, which install it.

Hydra's own knows neither tasks nor `python -m`, and composes a config for every word.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, get_type_hints

from har_llm.cli.arguments import read_arguments
from har_llm.cli.options import options
from har_llm.cli.shells import SCRIPTS, TO_TYPE
from har_llm.cli.typed import COMPLETION, FLAGS
from har_llm.common.checks import require
from har_llm.common.errors import ConfigError
from har_llm.common.shipped import CONFIG, HYDRA_VERSION, conf_folder


def completion(arguments: Sequence[str]) -> str:
    """The answer to -sc install=SHELL, or to -sc query=SHELL about the command line in COMP_LINE. Raises ConfigError."""
    asked = dict(argument.partition("=")[::2] for argument in arguments if argument not in COMPLETION)
    for name in ("install", "query"):
        if name in asked:
            require(f"-sc {name}", shell := asked[name], SCRIPTS)
            return SCRIPTS[shell] if name == "install" else "\n".join(candidates(os.environ.get("COMP_LINE", "")))
    lines = "; ".join(f"in {shell}, {line}" for shell, line in TO_TYPE.items())
    raise ConfigError(f"-sc has no value; Tab completes a command line after: {lines}.")


def candidates(line: str) -> list[str]:
    """What the last word of a command line may become, in whole words. `line`: up to the cursor, with the program."""
    *before, word = line.split(" ")
    name, equals, value = word.partition("=")
    if word.startswith("-"):
        found: Iterable[str] = FLAGS
    elif equals:
        kept, comma, _ = value.rpartition(",")
        found = (f"{name}={kept}{comma}{one}" for one in _values(name, before))
    else:
        found = _fields(word, before) if "." in word else [f"{one}=" for one in options(before)] + _settings()
    return sorted({one for one in found if one.startswith(word)})


def _values(name: str, before: Sequence[str]) -> Iterable[str]:
    """What a setting may be, where that is a choice among few."""
    from har_llm.config.settings import BESIDE, EXPORT_FORMATS, EXPORTS, PARSINGS, XSCALES
    from har_llm.scoring.names import METRICS
    from har_llm.tasks import TASKS

    listed: Mapping[str, Iterable[str]] = {
        **options(before),
        "task": TASKS,
        "baselines": BESIDE,
        "export.what": EXPORTS,
        "export.format": EXPORT_FORMATS,
        "report.xscale": XSCALES,
        "metrics.parsing": PARSINGS,
        "metrics.headline": METRICS,
        "runs": ["last"],
    }
    if name in listed or name.partition("@")[0] in listed:
        return listed.get(name) or listed[name.partition("@")[0]]
    return ("true", "false") if isinstance(_composed(before, name), bool) else ()


def _settings() -> list[str]:
    from har_llm.config.settings import Settings

    kinds = get_type_hints(Settings)
    return [f"{one.name}{'.' if is_dataclass(kinds[one.name]) else '='}" for one in fields(Settings)]


def _fields(word: str, before: Sequence[str]) -> list[str]:
    """The settings of the node that the word begins with, as in model.sampling."""
    parent = word.rpartition(".")[0]
    node = _composed(before, parent)
    if not isinstance(node, dict):
        return []
    return [f"{parent}.{name}{'.' if isinstance(value, dict) else '='}" for name, value in node.items() if name[0] != "_"]


def _composed(before: Sequence[str], key: str) -> Any:
    """What the config that is composed of these arguments has under a key; None where it has nothing or fails.

    Of several values of a sweep the first counts.
    """
    from hydra import compose, initialize_config_dir
    from hydra.errors import HydraException
    from omegaconf import OmegaConf

    settings = (argument.partition("=") for argument in before if "=" in argument and not argument.startswith("-"))
    given = {name: f"{name}={value.partition(',')[0]}" for name, _, value in settings}
    try:
        with initialize_config_dir(str(conf_folder()), version_base=HYDRA_VERSION):
            found = OmegaConf.select(compose(CONFIG, read_arguments([*given.values()])), key)
    except (HydraException, ConfigError):
        return None
    return OmegaConf.to_container(found) if OmegaConf.is_config(found) else found
