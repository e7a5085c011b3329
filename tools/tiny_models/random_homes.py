"""Homes drawn at random, so that the tiny models are trained on many rooms, sensors, words and numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from har_llm.data.datasets.simulated import Draws, Routine, Sensor, SessionPlan, Simulation
from har_llm.data.records import Home, Session

T = TypeVar("T")

ROOMS = {
    "kitchen": ["kitchen", "cuisine", "kitchenette"],
    "living": ["living room", "lounge", "salon"],
    "bed": ["bedroom", "master bedroom", "sleeping room"],
    "bath": ["bathroom", "washroom", "shower room"],
    "office": ["office", "study", "workroom"],
    "hall": ["entrance", "hallway", "lobby", "hall"],
    "dining": ["dining room", "dining area"],
    "laundry": ["utility room", "laundry room", "cellar"],
}
ON_OFF = ["turned ON", "turned OFF"]
OPEN_CLOSE = ["OPENED", "CLOSED"]
PRESS = ["PRESSED", "RELEASED"]
MOTION = ["motion sensor", "presence detector", "PIR sensor"]
# concept: room, states, names
SENSORS = {
    "kitchen_motion": ("kitchen", ON_OFF, MOTION),
    "living_motion": ("living", ON_OFF, MOTION),
    "bed_motion": ("bed", ON_OFF, MOTION),
    "bath_motion": ("bath", ON_OFF, MOTION),
    "office_motion": ("office", ON_OFF, MOTION),
    "hall_motion": ("hall", ON_OFF, MOTION),
    "dining_motion": ("dining", ON_OFF, MOTION),
    "laundry_motion": ("laundry", ON_OFF, MOTION),
    "fridge": ("kitchen", OPEN_CLOSE, ["fridge door", "refrigerator door", "fridge"]),
    "stove": ("kitchen", ON_OFF, ["stove", "induction stove", "cooker", "oven"]),
    "cupboard": ("kitchen", OPEN_CLOSE, ["cupboard door", "cabinet door", "drawer", "pantry"]),
    "kettle": ("kitchen", ON_OFF, ["kettle", "coffee machine", "teapot plug"]),
    "kitchen_sink": ("kitchen", ON_OFF, ["sink tap", "sink water meter"]),
    "rack": ("kitchen", OPEN_CLOSE, ["dishwasher door", "dish rack drawer"]),
    "microwave": ("kitchen", ON_OFF, ["microwave", "toaster"]),
    "television": ("living", ON_OFF, ["television", "television plug", "tv"]),
    "sofa": ("living", PRESS, ["sofa", "couch pad", "couch"]),
    "lamp": ("living", ON_OFF, ["lamp", "reading light"]),
    "bed": ("bed", PRESS, ["bed", "mattress pad"]),
    "wardrobe": ("bed", OPEN_CLOSE, ["wardrobe door", "closet door", "dresser drawer"]),
    "shower": ("bath", ON_OFF, ["shower", "shower water meter"]),
    "bath_sink": ("bath", ON_OFF, ["sink tap", "washbasin tap"]),
    "flush": ("bath", PRESS, ["toilet flush", "flush button"]),
    "medicines": ("bath", OPEN_CLOSE, ["medicines cabinet", "medicine box"]),
    "computer": ("office", ON_OFF, ["computer", "computer plug", "monitor plug"]),
    "desk_chair": ("office", PRESS, ["desk chair pad", "chair"]),
    "front": ("hall", OPEN_CLOSE, ["front door", "main door"]),
    "table": ("dining", PRESS, ["chair", "chair pad", "table chair"]),
    "washer": ("laundry", ON_OFF, ["washing machine", "washer plug"]),
}
# concept: names, sensor weights, events, gap in seconds, hours, what follows
ACTIVITIES = {
    "sleep": (["sleeping", "napping"], {"bed": 5, "bed_motion": 3}, [2, 5], [120, 900], {"0-9": 3, "21-24": 3, "always": 1}, {}),
    "dress": (["getting dressed", "changing clothes"], {"wardrobe": 6, "bed_motion": 3}, [3, 6], [5, 80], {"always": 2}, {}),
    "shower": (["showering", "taking a shower"], {"shower": 5, "bath_motion": 3, "bath_sink": 1}, [3, 6], [10, 240], {"always": 2},
               {"dress": 60}),
    "toilet": (["using the toilet", "toileting"], {"flush": 4, "bath_motion": 4, "bath_sink": 3}, [2, 5], [5, 90], {"always": 2}, {}),
    "wash": (["personal washing", "brushing teeth", "grooming"], {"bath_sink": 6, "shower": 2, "bath_motion": 4}, [3, 6], [5, 80],
             {"6-11": 3, "20-24": 3, "always": 1}, {}),
    "medicine": (["taking medicines", "taking medication"], {"medicines": 6, "bath_motion": 2}, [2, 4], [4, 60], {"always": 1}, {}),
    "breakfast": (["preparing breakfast", "making breakfast"], {"fridge": 4, "cupboard": 3, "kettle": 2, "microwave": 2, "stove": 2,
                  "kitchen_motion": 4}, [4, 9], [5, 100], {"5-11": 6}, {"eat": 80}),
    "lunch": (["preparing lunch", "cooking lunch"], {"fridge": 4, "cupboard": 3, "stove": 4, "kitchen_motion": 4}, [4, 10], [5, 120],
              {"10-15": 6}, {"eat": 80}),
    "dinner": (["preparing dinner", "cooking dinner"], {"fridge": 4, "cupboard": 3, "stove": 4, "kitchen_sink": 1,
               "kitchen_motion": 4}, [4, 10], [5, 120], {"11-14": 3, "17-22": 6}, {"eat": 80}),
    "eat": (["eating", "having a meal"], {"table": 5, "dining_motion": 4}, [3, 6], [20, 360], {"always": 1}, {"dishes": 70}),
    "dishes": (["washing dishes", "cleaning dishes"], {"kitchen_sink": 5, "rack": 4, "cupboard": 3, "kitchen_motion": 3}, [3, 7],
               [5, 100], {"always": 1}, {}),
    "drink": (["preparing a hot drink", "making coffee", "making tea"], {"kettle": 5, "cupboard": 3, "fridge": 1,
              "kitchen_motion": 3}, [3, 5], [5, 100], {"always": 2}, {}),
    "tv": (["watching television", "watching tv"], {"television": 4, "sofa": 4, "living_motion": 3}, [3, 7], [60, 600],
           {"0-10": 1, "always": 3}, {}),
    "read": (["reading", "reading a book"], {"lamp": 4, "sofa": 4, "living_motion": 3}, [3, 6], [60, 600], {"0-10": 1, "always": 3}, {}),
    "work": (["studying", "working", "using the computer"], {"computer": 4, "desk_chair": 4, "office_motion": 4}, [3, 7], [60, 700],
             {"7-20": 4, "always": 1}, {}),
    "laundry": (["washing clothes", "doing laundry"], {"washer": 6, "laundry_motion": 3}, [3, 5], [20, 200], {"always": 1}, {}),
    "leave": (["leaving home", "going out"], {"front": 4, "hall_motion": 3}, [2, 4], [3, 50], {"always": 2}, {"enter": 70}),
    "enter": (["coming back home", "entering home"], {"front": 4, "hall_motion": 3}, [2, 4], [3, 40], {"always": 1}, {}),
}  # fmt: skip

MISNAMED = [("sleep", "leave"), ("dress", "dishes"), ("shower", "breakfast"), ("toilet", "work"), ("wash", "lunch"),
            ("medicine", "tv"), ("dinner", "read"), ("eat", "laundry"), ("drink", "enter")]  # fmt: skip
"""Pairs of activities that have nothing in common, for a model that is trained to call each by the name of the other."""


def random_recording(
    draws: Draws, events: int, *, paired: bool = False, rules: bool = False
) -> tuple[Home, Session, dict[int, int]]:
    """A home made of the concepts above with random names, and one session of `events` events.

    Also returns, for a home that must have the activities of MISNAMED in pairs, each activity's number -> that of its partner.
    With `rules`, half of the homes say what some of their sensors are used for.
    """
    rooms = {concept: draws.pick(names) for concept, names in ROOMS.items()}
    sensors = {
        concept: Sensor(room=rooms[room], name=draws.pick(names), states=states, passage=concept.endswith("_motion"))
        for concept, (room, states, names) in SENSORS.items()
        if concept.endswith("_motion") or not draws.chance(12)
    }
    used = [concept for concept, spec in ACTIVITIES.items() if set(spec[1]) & {*sensors}]
    if paired:
        pairs = [pair for pair in MISNAMED if {*pair} <= {*used}]
        used = [concept for pair in sample(draws, pairs, draws.between(4, 7)) for concept in pair]
        used = sample(draws, used, len(used))
    else:
        used = sample(draws, used, draws.between(8, 14))
    if not any("always" in ACTIVITIES[concept][4] for concept in used):
        used += ["tv", "medicine"] if paired else ["tv"]
    numbers = dict(zip(used, _numbers(draws, len(used)), strict=True))
    routines = {}
    for concept, number in numbers.items():
        _, weights, count, gap, hours, then = ACTIVITIES[concept]
        routines[number] = Routine(
            sensors={key: weight for key, weight in weights.items() if key in sensors},
            events=count,
            gap=gap,
            hours=hours,
            then={numbers[follower]: percent for follower, percent in then.items() if follower in numbers},
        )
    things: dict[str, list[str]] = {}
    for sensor in sensors.values():
        thing = sensor.name.removesuffix(" door").removesuffix(" plug").removesuffix(" pad").removesuffix(" tap")
        things.setdefault(sensor.room, []).append(thing)
    seed, residents = draws.between(0, 10**9), ["A", "B", "C"][: draws.between(1, 3)]
    activities = {number: draws.pick(ACTIVITIES[concept][0]) for concept, number in numbers.items()}
    home = Home(
        name="random",
        description="",
        rooms=things,
        activities=activities,
        rules=_rules(draws, sensors, routines, activities) if rules and draws.chance(50) else (),
        synthetic=True,
    )
    plan = SessionPlan(count=1, events=[events, events], starts=list(range(5, 22)))
    session = Simulation(sensors, routines).record("random-01", Draws("random", seed, 0), plan, residents, 25)
    misnomer = {**dict(MISNAMED), **{second: first for first, second in MISNAMED}}
    misnamed = {number: numbers[misnomer[concept]] for concept, number in numbers.items()} if paired else {}
    return home, session, misnamed


def _rules(
    draws: Draws, sensors: Mapping[str, Sensor], routines: Mapping[int, Routine], activities: Mapping[int, str]
) -> list[str]:
    """For one to three activities, a sensor that is used for it, in the words of the simulated homes' own rules."""
    said = []
    for number in sample(draws, list(routines), draws.between(1, 3)):
        weights = routines[number].sensors
        sensor = sensors[max(weights, key=lambda key: weights[key])]
        said.append(f"The {sensor.name} of the {sensor.room} is used for {activities[number]}.")
    return said


def sample(draws: Draws, options: Sequence[T], count: int) -> list[T]:
    """`count` of the options, or all if there are fewer, in random order."""
    left: list[T] = list(options)
    taken: list[T] = []
    while left and len(taken) < count:
        taken.append(left.pop(draws.between(0, len(left) - 1)))
    return taken


def _numbers(draws: Draws, count: int) -> list[int]:
    """Activity numbers in rising order; half of the homes have gaps, so that only the prompt's list gives the numbers."""
    if draws.chance(50):
        first = draws.between(0, 1)
        return list(range(first, first + count))
    return sorted(sample(draws, range(30), count))
