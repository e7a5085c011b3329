"""What MuRAL's own files say of the home: sensors, rooms, activities."""

from __future__ import annotations

import json
from pathlib import Path

from tests.data.datasets.mural_files import (
    ACTIVITIES,
    read,
    release,
)


def test_home_comes_from_the_users_files(tmp_path: Path) -> None:
    home = read(tmp_path).home
    assert home.name == "mural" and not home.synthetic and home.activities == ACTIVITIES and home.null_class == {0}
    assert home.rooms == {
        "bedroom_1": ("door",),
        "bedroom_2": ("door",),
        "bathroom": ("door",),
        "entrance": ("main door",),
        "kitchen": ("counter", "induction stove", "microwave oven", "fridge door"),
        "dining room": ("chair_1", "chair_2"),
        "living room": ("television",),
    }
    assert "Wattmeters" in home.description and not home.rules
    assert "On a chair or the toilet, OPENED and CLOSED mean that somebody sits down or gets up" in home.description


def test_activities_have_the_files_own_names_and_order(tmp_path: Path) -> None:
    activities = {25: "se laver", 0: "autres", 6: "été", 19: "dîner"}
    content = json.dumps([{"id": n, "name": name} for n, name in activities.items()], ensure_ascii=False).encode()
    home = read(tmp_path, release(activities=content), home={"null_class": [0]}).home
    assert list(home.activities.items()) == list(activities.items())


def test_rooms_of_yaml_take_the_place_of_those_of_the_file(tmp_path: Path) -> None:
    home = read(tmp_path, home={"rooms": {"kitchen": ["stove"], "hall": []}}).home
    assert home.rooms == {"kitchen": ("stove",), "hall": ()}
