"""The way events take from sources through categories to destinations, and how many arrive: for API and console."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple, TypeAlias

import msgspec

from assent.app.services.delivery_overview import MINUTE_MS, Wanted
from assent.app.wiring import Server
from assent.domain.decision import REASONS, Reason, Verdict
from assent.domain.outcome import State
from assent.domain.workspace import Workspace
from assent.engine.flow import Link, flow

_MOST_OF_A_KIND: Final = 20
_OTHERS: Final = "(others)"
_HOUR: Final = 60

_WITHOUT_CATEGORY: Final[Mapping[Reason, str]] = {
    **{one.reason: one.title for one in REASONS},
    Reason.DESTINATION_UNMAPPED: "No category",
}
"""What settled it where no category did. A reason that comes with both verdicts has one title here."""

_Stage: TypeAlias = str
"""`source`, `settled`, `destination` or `outcome`."""


class Node(NamedTuple):
    """One thing that events pass. `settled` is the category that settled it, or what did where consent had no say."""

    id: str
    stage: _Stage
    title: str


class Stream(NamedTuple):
    """How many events pass from one node to another, by what becomes of them: delivered, withheld or failed."""

    start: str
    end: str
    outcome: State
    events: int


class Flow(msgspec.Struct, frozen=True):
    """The way that the events of a window take, as version `version` decides them.

    `is_decided_anew` says that another version was in force for a part of the window, so that some were decided
    differently then. Whole hours are counted, as far back as the log is kept; failures are those that were counted.
    """

    version: int
    is_decided_anew: bool
    nodes: list[Node]
    streams: list[Stream]


async def delivery_flow(server: Server, wanted: Wanted) -> Flow:
    """Counts routing keys, of which there are few, and decides each: exact, whatever the number of events."""
    in_force = server.in_force
    counts = await server.log.key_counts(wanted.since // _HOUR, -(-wanted.until // _HOUR))

    def read() -> Flow:
        asked = {key: events for key, events in counts.items() if wanted.source in (None, key[0])}
        links = {
            link: events
            for link, events in flow(in_force.policy, asked).items()
            if wanted.destination in (None, link.destination)
        }
        sums = server.stores.accounts.sums(
            wanted.since, wanted.until, ["destination"], limit=10_000, only={**wanted.only, "state": State.FAILED}
        )
        anew = in_force.number > 1 and in_force.version.at > wanted.since * MINUTE_MS
        failed = {str(one.destination): one.events for one in sums}
        return drawn(in_force.version.workspace, links, failed, in_force.number, anew=anew)

    return await asyncio.to_thread(read)


def drawn(
    workspace: Workspace, links: Mapping[Link, int], failed: Mapping[str, int], version: int, *, anew: bool
) -> Flow:
    """The picture of what flows alike; `failed` are how many of those for a destination did not arrive."""
    sources = _kept(_by(links, lambda one: one.source))
    destinations = _kept(_by(links, lambda one: one.destination))
    settled = _kept(_by(links, _settled))
    nodes: dict[str, Node] = {}
    streams: Counter[tuple[str, str, State]] = Counter()
    delivered: Counter[str] = Counter()
    for link, events in links.items():
        source = _node(nodes, "source", link.source, sources, workspace)
        middle = _node(nodes, "settled", _settled(link), settled, workspace)
        destination = _node(nodes, "destination", link.destination, destinations, workspace)
        outcome = State.DELIVERED if link.verdict is Verdict.DELIVER else State.WITHHELD
        streams[source, middle, outcome] += events
        streams[middle, destination, outcome] += events
        if outcome is State.DELIVERED:
            delivered[link.destination] += events
        else:
            streams[destination, _outcome(nodes, outcome), outcome] += events
    for id_, events in delivered.items():
        lost = min(events, failed.get(id_, 0))
        destination = _node(nodes, "destination", id_, destinations, workspace)
        for outcome, part in ((State.DELIVERED, events - lost), (State.FAILED, lost)):
            if part:
                streams[destination, _outcome(nodes, outcome), outcome] += part
    return Flow(version, anew, list(nodes.values()), [Stream(*one, events) for one, events in sorted(streams.items())])


def _by(links: Mapping[Link, int], key: Callable[[Link], str]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for link, events in links.items():
        counts[key(link)] += events
    return counts


def _kept(counts: Counter[str]) -> frozenset[str]:
    """Those with the most events; a picture of more than a few of a kind shows nothing."""
    return frozenset(name for name, _ in counts.most_common(_MOST_OF_A_KIND))


def _settled(link: Link) -> str:
    """What settled it: a category, or else a reason."""
    return f"category:{link.category}" if link.category is not None else f"reason:{link.reason}"


def _node(nodes: dict[str, Node], stage: _Stage, id_: str, kept: Iterable[str], workspace: Workspace) -> str:
    if id_ not in kept:
        id_ = _OTHERS
    name = f"{stage}:{id_}"
    if name not in nodes:
        nodes[name] = Node(name, stage, _title(workspace, stage, id_))
    return name


def _title(workspace: Workspace, stage: _Stage, id_: str) -> str:
    if id_ == _OTHERS:
        return "Others"
    if stage == "source":
        return next((one.title for one in workspace.sources if one.id == id_), id_)
    if stage == "destination":
        return next((one.title for one in workspace.destinations if one.id == id_), id_)
    kind, _, rest = id_.partition(":")
    if kind == "category":
        return next((one.title for one in workspace.categories if one.id == rest), rest)
    return _WITHOUT_CATEGORY[Reason(rest)]


def _outcome(nodes: dict[str, Node], outcome: State) -> str:
    name = f"outcome:{outcome}"
    nodes.setdefault(name, Node(name, "outcome", outcome.capitalize()))
    return name
