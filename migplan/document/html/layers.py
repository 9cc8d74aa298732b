"""Where the boxes of a diagram stand: in layers, ordered so that few lines cross, as even as they can be.

Layers are columns: what needs nothing stands at the left, and lines go leftwards from a box to what it needs.
A line that passes a layer has a place of its own there, so that it never runs through a box; all lines to
one box share that place. Pure numbers: what is drawn there is told elsewhere.
"""

from bisect import bisect, insort
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

SWEEPS = 12
STILL = 0.1  # when no place moves further than that, they have found their own
GAP = 14.0  # between boxes of a layer
LANE = 9.0  # the height of a line's place in a layer
MARGIN = 10.0
LONE_WIDTH = 900.0  # how far a row of boxes without lines goes

Point = tuple[float, float]
Line = tuple[str, str]
Place = tuple[str, int]  # what stands, or passes, in a layer


@dataclass(frozen=True, slots=True)
class Node:
    """What is to be placed."""

    key: str
    layer: int
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Box:
    """Where it stands."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        """Half way down."""
        return self.y + self.height / 2


@dataclass(frozen=True, slots=True)
class Arrangement:
    """All boxes, and the points that each line passes, from its box to the one that it needs."""

    boxes: Mapping[str, Box]
    routes: Mapping[Line, tuple[Point, ...]]
    width: float
    height: float


def arranged(nodes: Sequence[Node], lines: Iterable[Line]) -> Arrangement:
    """The arrangement of boxes that are tied by lines; those without any stand in rows below."""
    drawn = sorted({line for line in lines if line[0] != line[1]})
    tied = {key for line in drawn for key in line}
    layers = _Layers([node for node in nodes if node.key in tied], drawn)
    boxes, width, height = layers.boxes()
    routes = layers.routes(boxes)
    alone, right, bottom = _rows([node for node in nodes if node.key not in tied], width, height)
    return Arrangement(boxes | alone, routes, max(width, right), max(height, bottom))


class _Layers:
    def __init__(self, nodes: Sequence[Node], lines: Sequence[Line]) -> None:
        numbers = {layer: number for number, layer in enumerate(sorted({node.layer for node in nodes}))}
        self._nodes = {node.key: node for node in nodes}
        self._layer = {node.key: numbers[node.layer] for node in nodes}
        self._lines = lines
        self._order: list[list[Place]] = [[] for _ in numbers]
        for node in nodes:
            self._order[self._layer[node.key]].append((node.key, self._layer[node.key]))
        self._below: dict[Place, list[Place]] = defaultdict(list)
        self._above: dict[Place, list[Place]] = defaultdict(list)
        self._tie()
        self._sort()

    def _way(self, line: Line) -> list[Place]:
        """The places of a line, from the higher layer down to the lower one."""
        high, low = line if self._layer[line[0]] >= self._layer[line[1]] else (line[1], line[0])
        return [(high, self._layer[high])] + [
            (low, layer) for layer in range(self._layer[high] - 1, self._layer[low] - 1, -1)
        ]

    def _tie(self) -> None:
        for line in self._lines:
            way = self._way(line)
            if self._layer[line[0]] == self._layer[line[1]]:
                continue
            for high, low in pairwise(way):
                if low not in self._below[high]:
                    self._below[high].append(low)
                    self._above[low].append(high)
                if low[1] != self._layer[low[0]] and low not in self._order[low[1]]:
                    self._order[low[1]].append(low)

    def _sort(self) -> None:
        """Let each place stand at the mean of its neighbours, layer by layer, and keep the best of it."""
        best, fewest = self._order, self._crossings()
        for sweep in range(SWEEPS):
            if not fewest:
                break
            self._order = [list(layer) for layer in self._order]
            leftwards = sweep % 2 == 1
            last = len(self._order) - 1
            for number in range(last - 1, -1, -1) if leftwards else range(1, last + 1):
                neighbours = self._above if leftwards else self._below
                at = {place: i for i, place in enumerate(self._order[number + (1 if leftwards else -1)])}
                self._order[number].sort(key=_means(self._order[number], neighbours, at).__getitem__)
            crossings = self._crossings()
            if crossings < fewest:
                best, fewest = self._order, crossings
        self._order = best

    def _crossings(self) -> int:
        total = 0
        for lower, layer in pairwise(self._order):
            at = {place: i for i, place in enumerate(lower)}
            ends: list[int] = []
            for place in layer:
                own = sorted(at[low] for low in self._below[place])
                total += sum(len(ends) - bisect(ends, end) for end in own)
                for end in own:
                    insort(ends, end)
        return total

    def boxes(self) -> tuple[dict[str, Box], float, float]:
        """Every box, and how far they go to the right and down."""
        middle = self._middles()
        top = min((middle[p] - self._height(p) / 2 for layer in self._order for p in layer), default=0)
        boxes: dict[str, Box] = {}
        x, bottom = MARGIN, MARGIN
        self._columns: list[tuple[float, float]] = []
        for number, layer in enumerate(self._order):
            own = [self._nodes[key] for key, _ in layer if self._layer[key] == number]
            width = max(node.width for node in own)
            self._columns.append((x, x + width))
            for node in own:
                y = middle[node.key, number] - node.height / 2 - top + MARGIN
                boxes[node.key] = Box(round(x, 1), round(y, 1), width, node.height)
            bottom = max(bottom, *(middle[p] + self._height(p) / 2 - top + MARGIN for p in layer))
            busy = sum(len(self._above[place]) for place in layer)
            x += width + 46 + min(30.0, busy)
        self._lane = {
            place: round(middle[place] - top + MARGIN, 1) for layer in self._order for place in layer
        }
        right = self._columns[-1][1] + 30 if self._columns else MARGIN
        return boxes, right + MARGIN, bottom + MARGIN

    def routes(self, boxes: Mapping[str, Box]) -> dict[Line, tuple[Point, ...]]:
        """The points of each line; a line within a layer begins and ends at the right of it."""
        found: dict[Line, tuple[Point, ...]] = {}
        for line in self._lines:
            source, target = (boxes[key] for key in line)
            if self._layer[line[0]] == self._layer[line[1]]:
                right = source.x + source.width
                found[line] = ((right, source.middle), (target.x + target.width, target.middle))
                continue
            way = self._way(line)
            high, low = boxes[way[0][0]], boxes[way[-1][0]]
            points: list[Point] = [(high.x, high.middle)]
            for place in way[1:-1]:
                left, right = self._columns[place[1]]
                points += [(round(right, 1), self._lane[place]), (round(left, 1), self._lane[place])]
            points.append((low.x + low.width, low.middle))
            found[line] = tuple(points if way[0][0] == line[0] else reversed(points))
        return found

    def _height(self, place: Place) -> float:
        return self._nodes[place[0]].height if self._layer[place[0]] == place[1] else LANE

    def _middles(self) -> dict[Place, float]:
        """Return how far down each place is: as near to its neighbours as those beside it allow."""
        middle: dict[Place, float] = {}
        for layer in self._order:
            middle.update(self._spread(layer, [0.0] * len(layer)))
        for sweep in range(SWEEPS):
            moved = 0.0
            for layer in self._order if sweep % 2 else reversed(self._order):
                wished = []
                for place in layer:
                    near = [middle[other] for other in (*self._below[place], *self._above[place])]
                    wished.append(sum(near) / len(near) if near else middle[place])
                found = self._spread(layer, wished)
                moved = max(moved, *(abs(middle[place] - at) for place, at in found.items()))
                middle.update(found)
            if moved < STILL:
                break
        return middle

    def _spread(self, layer: Sequence[Place], wished: Sequence[float]) -> dict[Place, float]:
        """Return the places nearest to the wished ones that keep their order and do not overlap."""
        offset, offsets = 0.0, []
        for number, place in enumerate(layer):
            if number:
                offset += (self._height(layer[number - 1]) + self._height(place)) / 2 + GAP
            offsets.append(offset)
        level = _rising([wish - off for wish, off in zip(wished, offsets, strict=True)])
        return {place: level[i] + offsets[i] for i, place in enumerate(layer)}


def _means(
    layer: Sequence[Place], neighbours: Mapping[Place, Sequence[Place]], at: Mapping[Place, int]
) -> dict[Place, float]:
    """Of each place, the mean position of its neighbours; its own where it has none."""
    found: dict[Place, float] = {}
    for number, place in enumerate(layer):
        near = [at[other] for other in neighbours.get(place, ())]
        found[place] = sum(near) / len(near) if near else float(number)
    return found


def _rising(values: Sequence[float]) -> list[float]:
    """Return the nearest numbers that never fall: an isotonic regression, by pooling neighbours."""
    pools: list[tuple[float, int]] = []
    for value in values:
        mean, size = value, 1
        while pools and pools[-1][0] > mean:
            before, many = pools.pop()
            mean, size = (before * many + mean * size) / (many + size), many + size
        pools.append((mean, size))
    return [mean for mean, size in pools for _ in range(size)]


def _rows(nodes: Sequence[Node], width: float, top: float) -> tuple[dict[str, Box], float, float]:
    """Boxes without lines, in rows of one width, and how far they go."""
    boxes: dict[str, Box] = {}
    if not nodes:
        return boxes, 0.0, 0.0
    wide = max(node.width for node in nodes)
    a_row = max(1, int((max(width, LONE_WIDTH) - MARGIN) // (wide + GAP)))
    for number, node in enumerate(nodes):
        row, column = divmod(number, a_row)
        x, y = MARGIN + column * (wide + GAP), top + row * (node.height + GAP) + MARGIN
        boxes[node.key] = Box(round(x, 1), round(y, 1), wide, node.height)
    right = max(box.x + box.width for box in boxes.values()) + MARGIN
    return boxes, right, max(box.y + box.height for box in boxes.values()) + MARGIN
