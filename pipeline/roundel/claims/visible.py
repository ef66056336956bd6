"""Whether so many objects of a subject are visible: what the machine saw, what people saw, and what was reported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from roundel.calibration import OperatingPoint
from roundel.claims.counting import CONFIRMATIONS, SURE, Bound, confirmed_types, keys_of, lower_bound
from roundel.claims.model import Claim, Evidence, Exhibit, Finding, Level, Step, Verdict
from roundel.claims.parts import Part
from roundel.claims.scene import OUTSIDE, Sighting, View
from roundel.claims.wording import EVEN, NO_STRENGTH, grouped, strength
from roundel.words import clock, counted, listed, plural

SUPPORTING = 0.8
"""From this probability on the machine's count may support a claim."""
SPLIT = 0.2
"""Types of which two are closer than this are not told apart."""
LEAST_RATIO = 2.0


@dataclass(frozen=True, slots=True)
class Quantity:
    """Answers "at least n?" about one claim's subject within its view."""

    claim: Claim
    level: Level
    view: View
    besides: tuple[str, ...] = ()
    """Nodes that do not count: the question is for anything else of the subject."""

    @property
    def title(self) -> str:
        """The subject in words, singular."""
        if self.besides:
            return "item of other equipment"
        names = listed([self.view.catalogue.node_title(node) for node in self.claim.subject.nodes], "or")
        subject = self.claim.subject
        origin = f" designed in {self.view.catalogue.state_name(subject.design_origin, None)}"
        marking = f" marked “{subject.marking}”"
        return names + (origin if subject.design_origin else "") + (marking if subject.marking else "")

    def number(self, count: int) -> str:
        """A number of the subject in words."""
        return counted(count, self.title) if len(self.claim.subject.nodes) == 1 else f"{count:,} × {self.title}"

    def is_subject(self, node: str) -> bool:
        """Whether an object of the node is of the subject by its place in the tree alone."""
        catalogue = self.view.catalogue
        if self.claim.subject.design_origin or self.claim.subject.marking:
            return False
        if any(catalogue.is_a(node, one) or catalogue.is_a(one, node) for one in self.besides):
            return False
        return any(catalogue.is_a(node, wanted) for wanted in self.claim.subject.nodes)

    def chance(self, sighting: Sighting) -> float:
        """P(the object is of the subject's nodes and, if asked for, of its design origin)."""
        stated = self._stated_types().get(sighting.key)
        if stated is not None:
            sighting = replace(sighting, types=stated)
        origin = self.claim.subject.design_origin
        if origin is None:
            besides = sum(sighting.chance(node, self.view.catalogue) for node in self.besides)
            whole = sum(sighting.chance(node, self.view.catalogue) for node in self._apart())
            return min(1.0, max(0.0, whole - besides))
        real = sighting.chances.get("object", 0.0)
        return real * sum(
            share * self.view.catalogue.origins(name).get(origin, 0.0)
            for name, share in sighting.types.items()
            if name in self.view.catalogue.types
            and any(self.view.catalogue.is_a(name, node) for node in self.claim.subject.nodes)
        )

    def _apart(self) -> tuple[str, ...]:
        """The subject's nodes without those below another of them."""
        nodes = self.claim.subject.nodes
        above = self.view.catalogue.is_a
        return tuple(n for n in dict.fromkeys(nodes) if not any(n != other and above(n, other) for other in nodes))

    def _stated_types(self) -> dict[tuple[str, str], dict[str, float]]:
        """What people who looked found each sighting to be, the most cautious of them where several did."""
        found: dict[tuple[str, str], dict[str, float]] = {}
        for finding in self.view.of_kind("type"):
            if finding.basis == "seen":
                for key in keys_of(finding, self.view):
                    stated = dict(finding.types or {})
                    if key not in found or self._share(stated) < self._share(found[key]):
                        found[key] = stated
        return found

    def _share(self, types: dict[str, float]) -> float:
        return sum(share for name, share in types.items() if name not in OUTSIDE and self.is_subject(name))

    def at_least(self, least: int) -> Part:
        """The part "at least so many are visible" of a claim."""
        rejected = self._rejections()
        view = replace(self.view, rejected=frozenset(key for keys in rejected.values() for key in keys))
        whole = lower_bound(self.view, self.chance)
        bound = lower_bound(view, self.chance)
        against = [self._rejection(name, keys) for name, keys in rejected.items()]
        against += self._splits(bound)
        seen, people = self._seen(least, view)
        machine = self._machine(least, bound)
        reported = self._reported(least)
        if rejected and len(whole) >= least > len(bound) and not seen:
            verdict = Verdict.WEAKENS
        elif self._confirmed(least, view) and not against:
            verdict = Verdict.SHOWS
        elif seen or machine.verdict is Verdict.SUPPORTS:
            verdict = Verdict.CONSISTENT_WITH if against else Verdict.SUPPORTS
        elif machine.verdict is Verdict.CONSISTENT_WITH or reported:
            verdict = Verdict.CONSISTENT_WITH
        else:
            verdict = Verdict.NOT_ADDRESSED
        found = [*seen, *machine.evidence, *reported]
        step = Step(
            "count",
            f"At least {self.number(least)}: the largest group of proven different objects has {len(bound)}.",
            {"wanted": least, "proven": len(bound), "tail": round(bound.tail(least), 4), "people": len(people)},
        )
        nothing = (
            (f"No {self.title} was found with enough weight. Not detecting something is never “no”.",)
            if verdict is Verdict.NOT_ADDRESSED
            else ()
        )
        return Part(
            "visible",
            verdict,
            (*found, *against),
            (step, *machine.steps),
            not_addressed=nothing,
            strength=machine.strength if machine.verdict is Verdict.SUPPORTS else NO_STRENGTH,
            people=tuple(people),
        )

    def _machine(self, least: int, bound: Bound) -> Part:
        if len(bound) >= least:
            return self._counted(least, bound)
        return self._coarser(least)

    def _counted(self, least: int, bound: Bound) -> Part:
        chance = bound.tail(least)
        calibrated = all(sighting.calibrated for sighting in bound.group)
        stated = self._stated_types()
        strengths = [strength(p, self._points(sighting)) for sighting, p in bound.weakest(least)]
        held = grouped(chance, strengths) if calibrated else NO_STRENGTH
        told = any(sighting.key in stated for sighting, _ in bound.weakest(least)) and self.level >= Level.FAMILY
        if chance <= EVEN:
            return Part("machine", Verdict.NOT_ADDRESSED)
        enough = calibrated and chance >= SUPPORTING and held.ratio >= LEAST_RATIO
        verdict = Verdict.SUPPORTS if enough else Verdict.CONSISTENT_WITH
        probability = (
            f"the probability that this is so is {chance:.2f}" if calibrated else "its scores are no probabilities"
        )
        text = f"The program saw {_together(bound, self, least)}; {probability}."
        evidence = Evidence(
            "for",
            "type-found-by-a-person" if told else "counted",
            text,
            "finding" if told else "video",
            held.ratio if held.ratio > 1 else None,
            held.words if held.ratio > 1 else "",
            bound.exhibits,
            {"probability": round(chance, 4), "cap": round(held.cap, 1), "negative_clips": held.clips},
        )
        step = Step(
            "words",
            f"Likelihood ratio {held.ratio:.1f}, capped at {held.cap:.1f} by {held.clips} clips without one.",
            {"ratio": round(held.ratio, 2), "cap": round(held.cap, 2), "negative_clips": held.clips},
        )
        return Part("machine", verdict, (evidence,), (step,), strength=held)

    def _points(self, sighting: Sighting) -> Sequence[OperatingPoint]:
        """What was measured for saying the subject of this sighting."""
        if self.level < Level.FAMILY and not self.claim.subject.design_origin:
            tree = self.view.catalogue
            for node in (*self.claim.subject.nodes, sighting.named, *tree.lineage(sighting.named)):
                points = self.view.points(sighting.video, node)
                if points and any(tree.is_a(node, wanted) for wanted in self.claim.subject.nodes):
                    return points
            return ()
        sources = next((item.type_sources for item in self.view.footage if item.sha256 == sighting.video), 0)
        return (OperatingPoint(0.5, 1, 1, 0, sources),) if sources else ()

    def _coarser(self, least: int) -> Part:
        """What speaks for it where the program can tell only a wider class."""
        if self.claim.subject.design_origin or self.claim.subject.marking:
            return Part("machine", Verdict.NOT_ADDRESSED)
        for node in self.claim.subject.nodes:
            for wider in self.view.catalogue.lineage(node)[1:]:
                told = self.view.catalogue.detector_nodes(wider)
                if not told or wider in {"object", "equipment"}:
                    continue
                bound = lower_bound(self.view, lambda one, wider=wider, node=node: self._open(one, node, wider))
                if len(bound) >= least and bound.tail(least) > 0.5:
                    title = self.view.catalogue.node_title(wider)
                    text = (
                        f"The program saw at least {counted(least, title)}; it cannot tell whether "
                        f"{'it is' if least == 1 else 'they are'} {_a(self.view.catalogue.node_title(node), least)}."
                    )
                    evidence = Evidence("for", "wider-class", text, "video", exhibits=bound.exhibits)
                    return Part("machine", Verdict.CONSISTENT_WITH, (evidence,))
                break
        return Part("machine", Verdict.NOT_ADDRESSED)

    def _open(self, sighting: Sighting, node: str, wider: str) -> float:
        """P(of the wider class) unless its type or a person says that it is something else."""
        named = confirmed_types(self.view).get(sighting.key)
        types = self._stated_types().get(sighting.key, dict(sighting.types))
        elsewhere = sum(
            share
            for name, share in types.items()
            if name in self.view.catalogue.types and not self.view.catalogue.is_a(name, node)
        )
        if elsewhere >= SUPPORTING or (named is not None and not self.view.catalogue.is_a(named, node)):
            return 0.0
        return sighting.chance(wider, self.view.catalogue)

    def _confirmed(self, least: int, view: View) -> bool:
        """Whether two people confirmed that many: each sighting of a group, or the number itself."""
        people: dict[tuple[str, str], set[str]] = {}
        for finding in view.of_kind("confirmation"):
            if finding.basis == "seen" and any(self.is_subject(node) for node in finding.nodes):
                for key in keys_of(finding, view):
                    people.setdefault(key, set()).add(finding.who)
        for finding in view.of_kind("type"):
            name, share = max((finding.types or {"": 0.0}).items(), key=lambda item: item[1])
            if finding.basis == "seen" and share >= SURE and name not in OUTSIDE and self.is_subject(name):
                for key in keys_of(finding, view):
                    people.setdefault(key, set()).add(finding.who)
        sure = {key for key, who in people.items() if len(who) >= CONFIRMATIONS}
        group = lower_bound(view, lambda one: 1.0 if one.key in sure else 0.0)
        counted_by = {finding.who for finding in self._sighted("seen", least)}
        return len(group) >= least or len(counted_by) >= CONFIRMATIONS

    def _sighted(self, basis: str, least: int) -> list[Finding]:
        return [
            finding
            for finding in self.view.of_kind("sighting")
            if (finding.basis == "seen") == (basis == "seen")
            and _least_of(finding) >= least
            and finding.nodes
            and all(self.is_subject(node) for node in finding.nodes)
        ]

    def _seen(self, least: int, view: View) -> tuple[list[Evidence], list[str]]:
        """What people who looked at the footage say for it."""
        found, people = [], []
        for finding in self._sighted("seen", least):
            text = f"{finding.who} looked at the footage and counted at least {self.number(_least_of(finding))}."
            found.append(_by_person("for", "seen-by-a-person", text, finding))
            people.append(finding.who)
        for finding in view.of_kind("confirmation", "type"):
            share = self._share(dict(finding.types or {}))
            agrees = any(self.is_subject(node) for node in finding.nodes) or share >= SURE
            keys = [key for key in keys_of(finding, view) if key not in view.rejected]
            if finding.basis == "seen" and agrees and keys and least == 1:
                text = f"{finding.who} looked at {listed([track for _, track in keys])} and found {_a(self.title, 1)}."
                found.append(_by_person("for", "confirmed-by-a-person", text, finding))
                people.append(finding.who)
        if least > 1 and self._confirmed(least, view) and not found:
            text = f"Two people confirmed each sighting of a group of {least} different objects."
            found.append(Evidence("for", "confirmed-by-people", text, "finding"))
        return found, sorted(set(people))

    def _reported(self, least: int) -> list[Evidence]:
        return [
            _by_person(
                "for",
                "reported",
                f"Reported, not seen in the footage: at least {self.number(_least_of(finding))} ({finding.source}).",
                finding,
            )
            for finding in self._sighted("reported", least)
        ]

    def _rejections(self) -> dict[str, list[tuple[str, str]]]:
        """Who rejected which sightings as being of the subject."""
        found: dict[str, list[tuple[str, str]]] = {}
        tree, wanted = self.view.catalogue, self.claim.subject.nodes
        for finding in self.view.of_kind("rejection"):
            about = not finding.nodes or any(
                tree.is_a(node, other) or tree.is_a(other, node) for node in finding.nodes for other in wanted
            )
            if about and not finding.place:
                keys = keys_of(finding, self.view) if finding.tracks else [one.key for one in self.view.sightings]
                keys = [
                    key for key in keys if any(one.key == key and self.chance(one) > 0 for one in self.view.sightings)
                ]
                if keys:
                    found.setdefault(finding.who, []).extend(keys)
        return found

    def _rejection(self, who: str, keys: Sequence[tuple[str, str]]) -> Evidence:
        tracks = listed(sorted({track for _, track in keys}))
        return Evidence(
            "against", "rejected", f"{who} looked at {tracks} and rejects it as {_a(self.title, 1)}.", "finding"
        )

    def _splits(self, bound: Bound) -> list[Evidence]:
        """Sightings whose type is not told from one of another design origin or outside the subject."""
        if self.level < Level.FAMILY or self.level is Level.INDIVIDUAL:
            return []
        found = []
        for sighting in bound.group:
            types = self._stated_types().get(sighting.key, dict(sighting.types))
            ranked = sorted(
                ((share, name) for name, share in types.items() if name in self.view.catalogue.types), reverse=True
            )
            inside = [(share, name) for share, name in ranked if self._counts(name)]
            outside = [(share, name) for share, name in ranked if not self._counts(name)]
            if inside and outside and inside[0][0] - outside[0][0] < SPLIT and outside[0][0] > 0.05:
                titles = [self.view.catalogue.node_title(name) for name in (inside[0][1], outside[0][1])]
                text = f"{sighting.track} may as well be {titles[1]} as {titles[0]}: the two are not told apart."
                found.append(Evidence("against", "types-not-told-apart", text, "video", exhibits=(sighting.exhibit,)))
        return found

    def _counts(self, type_id: str) -> bool:
        origin = self.claim.subject.design_origin
        if not any(self.view.catalogue.is_a(type_id, node) for node in self.claim.subject.nodes):
            return False
        return origin is None or self.view.catalogue.origins(type_id).get(origin, 0.0) > 0.5


def _least_of(finding: Finding) -> int:
    count = finding.count
    return 1 if count is None else count.low if count.low is not None else 0


def _together(bound: Bound, quantity: Quantity, least: int) -> str:
    where = [item for item in bound.exhibits if item.seconds is not None]
    when = f" at {clock(where[0].seconds)}" if where and where[0].seconds is not None else ""
    if len(bound) == 1:
        return f"{_a(quantity.title, 1)}{when}"
    joint = "side by side" if where else "that people read as different objects"
    return f"{quantity.number(max(len(bound), least))} {joint}{when}"


def _by_person(direction: str, rule: str, text: str, finding: Finding) -> Evidence:
    exhibits = (Exhibit(finding.source),) if finding.source else ()
    return Evidence("for" if direction == "for" else "against", rule, text, "finding", exhibits=exhibits)


def _a(title: str, count: int) -> str:
    if count != 1:
        return plural(title)
    return f"{'an' if title[:1].lower() in 'aeiou' else 'a'} {title}"
