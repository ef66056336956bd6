"""The scenes that the table of verdicts names: each by a name that says what is in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from claims.scenes import EITHER, J_7, MIG_21, TWO, both, copy_of, example_scene, film, found, jets, points, saw, scene
from roundel.claims.scene import Footage, Scene

JF_17: Final = {"jf-17": 0.95, "other": 0.05}
L_39: Final = {"l-39": 0.95, "other": 0.05}
SURE_MIG: Final = {"mig-21": 0.95, "other": 0.05}
TABQA: Final = "Tabqa air base"


def _tank_and_jet() -> Footage:
    return film(saw("t1", "combat_aircraft"), saw("t2", "armoured_vehicle"), together=[("t1", "t2")])


def _later_tank() -> Footage:
    return film(saw("t1", "combat_aircraft"), saw("t2", "armoured_vehicle", span=(30.0, 40.0)))


def _apart() -> Footage:
    return film(saw("t1", "combat_aircraft", span=(0.0, 8.0)), saw("t2", "combat_aircraft", span=(20.0, 30.0)))


def _second(*sightings: object, **other: object) -> Footage:
    return film(*sightings, sha256=TWO, name="two.mp4", **other)  # type: ignore[arg-type]


def _gallery_posterior() -> dict[str, float]:
    """As analyses publish it: a type, the family above it and the class above that hold the same share."""
    return {"armoured_vehicle": 0.55, "t-72": 0.55, "t-72b3": 0.5, "t-72-unspecified": 0.05, "other": 0.45}


def _held_in_syria() -> tuple[object, ...]:
    return (found("previous_holder", "a list", actor="SY", source="P14"), found("date", "Ana", when="2014-08-31"))


SCENES: Final[dict[str, Callable[[], Scene]]] = {
    "nothing known": scene,
    "empty footage": lambda: scene(film()),
    "two jets": lambda: scene(jets(2)),
    "two likely jets": lambda: scene(jets(2, 0.97)),
    "two uncertain jets": lambda: scene(jets(2, 0.85)),
    "jets of a model without calibration": lambda: scene(
        film(saw("t1", "combat_aircraft", calibrated=False), saw("t2", "combat_aircraft", calibrated=False))
    ),
    "jets of a model without validation": lambda: scene(jets(2, points={})),
    "jets of a model with many false alarms": lambda: scene(jets(2, points=points(300, 140))),
    "jets one after the other": lambda: scene(_apart()),
    "a jet in each of two videos": lambda: scene(jets(1), _second(saw("t1", "combat_aircraft"))),
    "a jet and a tank": lambda: scene(_tank_and_jet()),
    "a jet, later a tank": lambda: scene(_later_tank()),
    "a civil vehicle": lambda: scene(film(saw("t1", "civil_vehicle"))),
    "a jet and a civil vehicle": lambda: scene(film(saw("t1", "combat_aircraft"), saw("t2", "civil_vehicle"))),
    "a person": lambda: scene(film(saw("t1", "person"))),
    "two jets, part of the file missing": lambda: scene(jets(2, missing=((40.0, 45.0),))),
    "a jet in a video beside one that failed": lambda: scene(jets(1), _second(failed="it is no video", end_seconds=0)),
    # People
    "a jet confirmed by two": lambda: scene(jets(1), both("confirmation", tracks="t1", nodes="aircraft")),
    "a jet confirmed by one": lambda: scene(jets(1), found("confirmation", "Ana", tracks="t1", nodes="aircraft")),
    "a jet confirmed twice by one": lambda: scene(
        jets(1),
        found("confirmation", "Ana Berg", tracks="t1", nodes="aircraft"),
        found("confirmation", " ana  berg", tracks="t1", nodes="aircraft"),
    ),
    "a jet confirmed by two publications": lambda: scene(
        jets(1), both("confirmation", tracks="t1", nodes="aircraft", source="a newspaper")
    ),
    "a jet confirmed by two in the other video": lambda: scene(
        film(), _second(saw("t1", "combat_aircraft")),
        both("confirmation", video="two.mp4", tracks="t1", nodes="aircraft"),
    ),
    "a jet in each of two videos, t1 confirmed by two": lambda: scene(
        jets(1), _second(saw("t1", "combat_aircraft")), both("confirmation", tracks="t1", nodes="aircraft")
    ),
    "two counted by two": lambda: scene(film(), both("sighting", nodes="aircraft", count="at least 2")),
    "two counted by one in each video": lambda: scene(
        film(), _second(),
        found("sighting", "Ana", video="one.mp4", nodes="aircraft", count="at least 2"),
        found("sighting", "Ben", video="two.mp4", nodes="aircraft", count="at least 2"),
    ),
    "three counted by two": lambda: scene(jets(2), both("sighting", nodes="aircraft", count="at least 3")),
    "one counted by one": lambda: scene(jets(2), found("sighting", "Ana", nodes="aircraft", count="exactly 1")),
    "one counted by two": lambda: scene(film(), both("sighting", nodes="aircraft", count="exactly 1")),
    "a jet rejected": lambda: scene(jets(1), found("rejection", "Ana", tracks="t1", nodes="aircraft")),
    "a jet rejected and confirmed by two": lambda: scene(
        jets(1), found("rejection", "Cem", tracks="t1", nodes="aircraft"),
        both("confirmation", tracks="t1", nodes="aircraft"),
    ),
    "a jet rejected as MiG-21": lambda: scene(jets(1), found("rejection", "Ana", tracks="t1", nodes="mig-21")),
    "one of two jets rejected": lambda: scene(jets(2), found("rejection", "Ana", tracks="t1", nodes="aircraft")),
    "a rejection in another video": lambda: scene(
        jets(1), _second(), found("rejection", "Ana", video="two.mp4", nodes="aircraft")
    ),
    # Types
    "a MiG-21 by machine": lambda: scene(jets(1, types=MIG_21)),
    "a MiG-21 by machine without validation of types": lambda: scene(jets(1, types=MIG_21, type_sources=0)),
    "a J-7 by machine": lambda: scene(jets(1, types=J_7)),
    "a MiG-21 or a J-7 by machine": lambda: scene(jets(1, types=EITHER)),
    "a MiG-21 by two": lambda: scene(jets(1), both("type", tracks="t1", types=SURE_MIG)),
    "a MiG-21 by one, a J-7 by another": lambda: scene(
        jets(1), found("type", "Ana", tracks="t1", types=SURE_MIG),
        found("type", "Ben", tracks="t1", types={"j-7": 0.95, "other": 0.05}),
    ),
    "a MiG-21 by machine, a J-7 by two": lambda: scene(
        jets(1, types=MIG_21), both("type", tracks="t1", types={"j-7": 0.95, "other": 0.05})
    ),
    "a MiG-21 in reports": lambda: scene(jets(1), found("type", "a paper", types=SURE_MIG, source="a paper")),
    "a T-72 as an analysis publishes it": lambda: scene(
        film(saw("t1", "armoured_vehicle", types=_gallery_posterior()))
    ),
    "two jets of classes that no evaluation has earned": lambda: scene(
        jets(2, untold=frozenset({"combat_aircraft", "other_aircraft", "helicopter"}))
    ),
    "a T-55 by two, with its part": lambda: scene(
        film(saw("t1", "armoured_vehicle")),
        both("type", tracks="t1", types={"t-55": 0.95, "t-54": 0.05}),
        found("part", "Ana", part="no domed ventilator on the turret roof", nodes=("t-55",)),
    ),
    "a T-55 by two": lambda: scene(
        film(saw("t1", "armoured_vehicle")), both("type", tracks="t1", types={"t-55": 0.95, "t-54": 0.05})
    ),
    "an F-22 by machine": lambda: scene(jets(1, types={"f-22": 0.95, "other": 0.05})),
    "a type that no catalogue knows": lambda: scene(jets(1, types={"my-own-jet": 0.95, "other": 0.05})),
    "a JF-17 by machine": lambda: scene(jets(1, types=JF_17)),
    "a JF-17 by two": lambda: scene(jets(1), both("type", tracks="t1", types=JF_17)),
    # Individuals
    "2357 read by two": lambda: scene(jets(1), both("serial", tracks="t1", serial="2357")),
    "2357 read by two on a MiG-21 that they know": lambda: scene(
        jets(1), both("serial", tracks="t1", serial="2357"), both("type", tracks="t1", types=SURE_MIG)
    ),
    "2357 read by one and a machine": lambda: scene(
        film(saw("t1", "combat_aircraft", read="2357")), found("serial", "Ana", tracks="t1", serial="2357")
    ),
    "2357 read by a machine": lambda: scene(film(saw("t1", "combat_aircraft", read="2357"))),
    "2357 read by two on a tank": lambda: scene(_tank_and_jet(), both("serial", tracks="t2", serial="2357")),
    "2357 read by two in footage without a jet": lambda: scene(film(), both("serial", serial="2357")),
    "2357 in two reports": lambda: scene(jets(1), both("serial", serial="2357", source="a list")),
    "2357 read by two, mirrored": lambda: scene(
        jets(1), both("serial", tracks="t1", serial="2357"), found("mirrored", "Cem", note="the writing is reversed")
    ),
    "2357 seen elsewhere by two": lambda: scene(
        jets(1), both("serial", tracks="t1", serial="2357"),
        found("serial", "Cem", serial="2357", place="Hama", when="2014-08-31", reference="a photo", basis="seen"),
        found("serial", "Dia", serial="2357", place="Hama", when="2014-08-31", reference="a photo", basis="seen"),
    ),
    "2357 elsewhere, as two papers report": lambda: scene(
        jets(1), both("serial", serial="2357", place="Hama", when="2014-08-31", reference="a photo", source="a paper")
    ),
    "2357 seen elsewhere by one": lambda: scene(
        jets(1),
        found("serial", "Cem", serial="2357", place="Hama", when="2014-08-31", reference="a photo", basis="seen"),
    ),
    "2357 seen elsewhere a year before": lambda: scene(
        jets(1),
        both("serial", serial="2357", place="Hama", when="2013-08-31", reference="a photo", source="a photograph"),
    ),
    "one serial on two sightings": lambda: scene(
        _apart(), both("serial", tracks="t1", serial="2357"), both("serial", tracks="t2", serial="2357")
    ),
    "two serials on two sightings": lambda: scene(
        _apart(), both("serial", tracks="t1", serial="2357"), both("serial", tracks="t2", serial="2360")
    ),
    "two serials on two sightings in reports": lambda: scene(
        _apart(), both("serial", tracks="t1", serial="2357", source="a list"),
        both("serial", tracks="t2", serial="2360", source="a list"),
    ),
    # Holders, makers, suppliers
    "a MiG-21 by two, held before by Syria": lambda: scene(
        jets(1), both("type", tracks="t1", types=SURE_MIG), *_held_in_syria()
    ),
    "a MiG-21 or a J-7, held before by Syria": lambda: scene(jets(1, types=EITHER), *_held_in_syria()),
    "an L-39 by two, held before by Syria": lambda: scene(
        jets(1), both("type", tracks="t1", types=L_39), *_held_in_syria()
    ),
    "all that documents can give for Russia": lambda: scene(
        jets(1), both("type", tracks="t1", types=SURE_MIG), *_held_in_syria(),
        both("supply", actor="RU", source="a contract", basis="document"),
        both("manufacture", actor="RU", source="a plate", basis="document"),
        both("holder", actor="RU", source="a record", basis="document"),
    ),
    "factory plates of Poland": lambda: scene(
        jets(1), both("type", tracks="t1", types=SURE_MIG), both("manufacture", actor="PL")
    ),
    "held by Syria, by two": lambda: scene(jets(1), both("holder", actor="SY", note="the crew's badges")),
    "held by Syria, as two papers report": lambda: scene(jets(1), both("holder", actor="SY", source="a paper")),
    "held by Syria, by two, in 2012": lambda: scene(
        jets(1), both("holder", actor="SY", source="a report", when="2012")
    ),
    # The footage
    "placed and dated by two": lambda: scene(jets(1), both("place", place=TABQA), both("date", when="2014-08-31")),
    "placed at another base by two": lambda: scene(jets(1), both("rejection", place=TABQA)),
    "an earlier copy": lambda: scene(
        jets(1), found("earlier_copy", "Ana", when="2013-05-01", reference="an upload", source="an archive")
    ),
    "public in August, by two": lambda: scene(jets(1), both("published", when="2014-08-31")),
    "public in August, as two papers report": lambda: scene(
        jets(1), both("published", when="2014-08-31", source="a paper")
    ),
    "public in August, by one": lambda: scene(jets(1), found("published", "Ana", when="2014-08-31", source="a page")),
    "filmed in October, by two": lambda: scene(jets(1), both("date", when="2014-10")),
    "cuts": lambda: scene(jets(1, cuts=(12.0, 30.0))),
    "cuts and traces of editing": lambda: scene(jets(1, cuts=(12.0,)), found("edited", "Ana", note="a splice")),
    "frames shared with other footage": lambda: scene(
        jets(1, copies=(copy_of((0.0, 9.0)),))
    ),
    "all of it in a video of 2013": lambda: scene(jets(1, copies=(copy_of((0.0, 60.0), "2013"),))),
    "in two parts in a video of 2013": lambda: scene(
        jets(1, copies=(copy_of((0.2, 30.0), "2013"), copy_of((29.0, 60.0), "2013")))
    ),
    "a part of it in a video of 2013": lambda: scene(jets(1, copies=(copy_of((0.0, 30.0), "2013"),))),
    "a video of 2013 as a picture in it": lambda: scene(
        jets(1, copies=(copy_of((0.0, 60.0), "2013", whole_picture=False),))
    ),
    "all of it in a video of August": lambda: scene(jets(1, copies=(copy_of((0.0, 60.0), "2014-08"),))),
    "all of it in a video without a date": lambda: scene(jets(1, copies=(copy_of((0.0, 60.0)),))),
    "two jets, all in a video of 2013": lambda: scene(jets(2, copies=(copy_of((0.0, 60.0), "2013"),))),
    "a jet confirmed by two, all in a video of 2013": lambda: scene(
        jets(1, copies=(copy_of((0.0, 60.0), "2013"),)), both("confirmation", tracks="t1", nodes="aircraft")
    ),
    # The worked example
    "worked example": example_scene,
    "worked example with an L-39": lambda: example_scene(types=L_39),
}  # fmt: skip
