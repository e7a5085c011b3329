"""Gives Hydra the settings and defaults of the classes that YAML files in conf/ name.

`/schema/package.module.Class@_here_` in a defaults list adds the settings of a class. So a YAML file contains only what
differs from the defaults, and the command line may set all others too. Names and values are checked later by har_llm/config,
whose messages are clearer than Hydra's; until then, nodes accept any name and hold plain values.
"""

from __future__ import annotations

import os

from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.config_store import ConfigStore
from hydra.core.object_type import ObjectType
from hydra.errors import ConfigCompositionException
from hydra.plugins.config_source import ConfigResult, ConfigSource
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import DictConfig, OmegaConf

from har_llm.common.errors import ConfigError
from har_llm.common.schema import component_class, defaults_of
from har_llm.config.experiment import GROUPS
from har_llm.config.settings import Settings

FOLDER = "schema/"


class SchemaSource(ConfigSource):
    """A source of configs, like a folder of YAML files."""

    @staticmethod
    def scheme() -> str:
        return "har_llm"

    def load_config(self, config_path: str) -> ConfigResult:
        target = config_path.removeprefix(FOLDER)
        try:
            values = defaults_of(component_class(target, "/schema/"))
        except ConfigError as error:
            raise ConfigCompositionException(str(error)) from None
        return ConfigResult(self.provider, self.full_path(), opened({"_target_": target, **values}), {"package": None})

    def is_group(self, config_path: str) -> bool:
        return False

    def is_config(self, config_path: str) -> bool:
        return config_path.startswith(FOLDER)

    def available(self) -> bool:
        return True

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        return []


class SchemaSearchPath(SearchPathPlugin):
    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        search_path.append("har_llm", f"{SchemaSource.scheme()}://")


def opened(values: dict[str, object]) -> DictConfig:
    """A node that accepts names that it does not have yet."""
    return OmegaConf.create(values, flags={"struct": False})


ConfigStore.instance().store(
    name="settings",
    node={
        name: opened(value) if isinstance(value, dict) else value
        for name, value in {**defaults_of(Settings), **{group: {} for group in GROUPS}}.items()
    },
    provider="har_llm",
)
OmegaConf.register_new_resolver("expanduser", os.path.expanduser, replace=True)
