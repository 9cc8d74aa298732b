"""A folder of migrations for people: who needs whom as a tree, and what is wrong with it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rich.text import Text

from migplan.level import Level
from migplan.migrations.analysis import Analysis
from migplan.migrations.levels import CONTRADICTION, DOUBT, TWICE, level_of
from migplan.migrations.lint import Risk
from migplan.migrations.model import file_name
from migplan.migrations.order import Cycle, Doubt, Duplicate, Missing, Reason
from migplan.report.tree import READABLE, SHOWN_CHILDREN, SHOWN_ROOTS, Line
from migplan.text.wording import counted, listed

_STYLES = {Level.ERROR: "red", Level.WARNING: "yellow", Level.NOTE: "dim"}
SHOWN = 40
FEW = 5


def as_tree(analysis: Analysis, *, whole: bool = False) -> Iterator[Text]:
    """Return the tree, and below it what people ought to know."""
    yield Text(headline(analysis), style="bold")
    yield Text()
    yield from map(_drawn, tree(analysis, whole=whole))
    for title, lines in sections(analysis, whole=whole):
        yield Text()
        yield Text(title, style="bold")
        yield from lines


def headline(analysis: Analysis) -> str:
    """Return the folder in one sentence: how many migrations, seeds, statements."""
    folder = analysis.folder
    kinds = {kind: sum(each.kind == kind for each in folder.migrations) for kind in ("sql", "python", "seed")}
    parts = [counted(kinds["sql"] + kinds["python"], "migration")]
    parts += [f"{kinds['python']} in Python"] if kinds["python"] else []
    parts += [counted(kinds["seed"], "seed")] if kinds["seed"] else []
    upkeep = sum(each.kind == "maintenance" for each in folder.migrations)
    parts += [f"{upkeep} for maintenance"] if upkeep else []
    statements = sum(each.statements for each in analysis.file_analyses)
    rows = sum(each.rows for each in analysis.file_analyses)
    parts += [counted(statements, "statement")] + ([counted(rows, "row") + " of COPY"] if rows else [])
    return f"{folder.path} ({folder.style}): {', '.join(parts)}"


# --- the tree ---------------------------------------------------------------------------------------------


def tree(analysis: Analysis, *, whole: bool = False) -> tuple[Line, ...]:
    """Every migration once, below the last one that it needs; folded when it would be too long."""
    drawing = _Tree(analysis)
    lines = tuple(drawing.lines(len(drawing.names), len(drawing.names)))
    if whole or len(lines) <= READABLE:
        return lines
    folded = tuple(drawing.lines(SHOWN_ROOTS, SHOWN_CHILDREN))[: READABLE - 1]
    return (*folded, Line("", "(folded: --all shows every migration)", quiet=True))


class _Tree:
    def __init__(self, analysis: Analysis) -> None:
        order = analysis.order
        self.names = order.order
        place = {name: at for at, name in enumerate(self.names)}
        needs = {
            name: [reason.by for reason in order.needs[name] if place[reason.by] < place[name]]
            for name in self.names
        }
        self._home = {name: max(others, key=place.__getitem__) for name, others in needs.items() if others}
        self._below: dict[str, list[str]] = {name: [] for name in self.names}
        self._elsewhere: dict[str, list[str]] = {name: [] for name in self.names}
        for name in self.names:
            for other in needs[name]:
                (self._below if other == self._home[name] else self._elsewhere)[other].append(name)
        self._marks = _marks(analysis)

    def lines(self, roots: int, children: int) -> Iterator[Line]:
        tops = [name for name in self.names if name not in self._home]
        shown = tops if len(tops) <= roots + 1 else tops[:roots]
        for name in shown:
            yield from self._branch(name, children)
        if tops[len(shown) :]:
            rest = tops[len(shown) :]
            yield Line(
                "", f"… {counted(len(rest), 'more migration')} without needs: {listed(rest, 3)}", quiet=True
            )

    def _branch(self, top: str, children: int) -> Iterator[Line]:
        """Without recursion: migrations hang on each other in chains of any length."""
        border: list[tuple[str, str, str] | Line] = [(top, "", "")]
        while border:
            item = border.pop()
            if isinstance(item, Line):
                yield item
                continue
            name, before, below = item
            yield Line(before, name, mark=self._marks.get(name, ""))
            border += reversed(self._under(name, below, children))

    def _under(self, name: str, branches: str, children: int) -> list[tuple[str, str, str] | Line]:
        own, others = self._below[name], self._elsewhere[name]
        shown = own if len(own) <= children + 1 else own[:children]
        rest = own[len(shown) :]
        items: list[tuple[str, str, str] | Line] = []
        for at, child in enumerate(shown):
            last = at == len(shown) - 1 and not rest and not others
            items.append(
                (child, branches + ("└─ " if last else "├─ "), branches + ("   " if last else "│  "))
            )
        if rest:
            said = f"… {counted(len(rest), 'more migration')}: {listed(rest, 3)}"
            items.append(Line(branches + ("├─ " if others else "└─ "), said, quiet=True))
        if others:
            items.append(Line(f"{branches}└─ ", f"↗ {listed(others, 6)}", quiet=True))
        return items


def _marks(analysis: Analysis) -> Mapping[str, str]:
    found: dict[str, list[str]] = {}
    for number, cycle in enumerate(analysis.order.cycles, 1):
        for name in cycle.migrations:
            found.setdefault(name, []).append(f"⟲ cycle {number}")
    for reason in analysis.order.contradictions:
        found.setdefault(reason.migration, []).append(f"after {reason.by}")
    for each in analysis.file_analyses:
        if each.migration.kind == "python":
            found.setdefault(each.migration.name, []).append("Python")
        elif not each.in_transaction:
            found.setdefault(each.migration.name, []).append("no transaction")
    return {name: "  ".join(dict.fromkeys(marks)) for name, marks in found.items()}


def _drawn(line: Line) -> Text:
    text = Text(line.branches, style="dim")
    text.append(line.text, style="dim" if line.quiet else "default not dim")
    if line.mark:
        text.append("  " + line.mark, style="yellow not dim")
    return text


# --- below the tree ---------------------------------------------------------------------------------------


def sections(analysis: Analysis, *, whole: bool = False) -> Iterator[tuple[str, list[Text]]]:
    """What is to be said, the most severe first, each with its title."""
    order, limit = analysis.order, len(analysis.folder.migrations) + 100_000 if whole else SHOWN
    files = {each.migration.name: each.migration.up.file for each in analysis.file_analyses}
    levels = analysis.levels
    shown = level_of(CONTRADICTION, levels) is not None
    if order.cycles and shown:
        yield "Cycles: no order works", [t for c in order.cycles for t in _cycle(c, files)]
    if order.contradictions and shown:
        lines = [t for reason in order.contradictions[:limit] for t in contradiction(reason, files)]
        lines += _more(len(order.contradictions) - limit)
        if not order.cycles and not _within_files(order.contradictions):
            lines.append(
                Text("  -> rename the files, or apply them in the order that works: --reorder", style="dim")
            )
        yield f"The names contradict the dependencies ({CONTRADICTION})", lines
    yield from _quieter(analysis, files, limit)


def _quieter(analysis: Analysis, files: Mapping[str, Path], limit: int) -> Iterator[tuple[str, list[Text]]]:
    order = analysis.order
    grave = [each for each in order.duplicates if each.is_wrong]
    again = [each for each in order.duplicates if each.is_harmless]
    if grave and level_of(TWICE, analysis.levels) is not None:
        yield (
            f"Made twice ({TWICE})",
            [_duplicate(each, files) for each in grave[:limit]] + _more(len(grave) - limit),
        )
    if again:
        title = "Made again, which IF NOT EXISTS or OR REPLACE allows"
        yield title, [_duplicate(each, files) for each in again[:limit]] + _more(len(again) - limit)
    if order.missing:
        late = order.made_later
        lines = [_missing(each, files, is_made_later=each in late) for each in order.missing[:limit]]
        lines += _more(len(order.missing) - limit)
        yield "The target must have, for nobody here makes it", lines
    bodies = [each for each in order.doubts if each.is_body]
    doubts = [each for each in order.doubts if not each.is_body]
    if doubts and level_of(DOUBT, analysis.levels) is not None:
        lines = [_doubt(each, files) for each in doubts[:limit]] + _more(len(doubts) - limit)
        yield f"Perhaps: what may fail, as only the server can tell ({DOUBT})", lines
    if bodies:
        lines = [_body(each, files) for each in bodies[:limit]] + _more(len(bodies) - limit)
        yield "Perhaps: functions that must not run before a later file", lines
    if analysis.folder.remarks:
        found = analysis.folder.remarks
        lines = [Text(f"  {file_name(each.file)}: {each.what}") for each in found[:limit]]
        yield "Remarks", lines + _more(len(found) - limit)
    if analysis.risks:
        found_here = analysis.risks
        shown, left_out = (found_here, 0) if limit > SHOWN else _few_of_each(found_here)
        lines = [t for each in shown for t in risk(each)] + _more(left_out)
        yield f"Lint: {_levels(found_here)}", lines


def left_out(analysis: Analysis) -> Iterator[Text]:
    """Return which files of the folder are not read, although they look as if they should be."""
    found = [each for each in analysis.folder.remarks if each.left_out]
    yield from (Text(f"note: {file_name(each.file)}: {each.what}") for each in found[:FEW])
    if len(found) > FEW:
        yield Text(f"note: {len(found) - FEW:,} more are not read either: migplan analyze tells them")


def contradicting(analysis: Analysis) -> Iterator[Text]:
    """Return where the order of the names, which is taken as it is, contradicts what the files need."""
    files = {each.migration.name: each.migration.up.file for each in analysis.file_analyses}
    for reason in analysis.order.contradictions:
        yield from contradiction(reason, files)


def _within_files(found: Sequence[Reason]) -> bool:
    return any(reason.migration == reason.by for reason in found)


def contradiction(reason: Reason, files: Mapping[str, Path]) -> Iterator[Text]:
    """Return what a statement needs, and where it is created: too late."""
    here = f"{file_name(files[reason.migration])}:{reason.need.line}"
    there = f"{file_name(files[reason.by])}:{reason.made.line}"
    thing = reason.made.to or reason.made.thing
    if reason.need.how == "drops" and reason.made.how != "creates":
        said = f"drops {reason.need.thing}, which {there} still uses"
    elif reason.is_about_dropping:
        said = f"renames {reason.need.thing}, which {there} still uses by that name"
    elif reason.need.how == "creates":
        said = f"makes {reason.need.thing}, which {there} drops"
    elif reason.through is not None:
        said = f"calls {reason.need.thing}, which uses {thing} in line {reason.through.line} of its file; "
        said += f"that is made in {there}"
    else:
        said = f"needs {thing}, which is made in {there}"
    yield Text(f"  {here} {said}", style="red")
    yield Text(f"      {reason.need.statement}", style="dim")


def _cycle(cycle: Cycle, files: Mapping[str, Path]) -> Iterator[Text]:
    yield Text(f"  {' -> '.join((*cycle.migrations, cycle.migrations[0]))}", style="red")
    for reason in cycle.reasons:
        yield from contradiction(reason, files)


def _duplicate(duplicate: Duplicate, files: Mapping[str, Path]) -> Text:
    (first, made), (second, again) = duplicate.first, duplicate.second
    places = f"{file_name(files[first])}:{made.line} and {file_name(files[second])}:{again.line}"
    return Text(f"  {duplicate.thing}: {places}", style="" if duplicate.is_harmless else "red")


def _missing(missing: Missing, files: Mapping[str, Path], *, is_made_later: bool) -> Text:
    sure = "" if missing.is_sure else ", perhaps"
    later = "; or that file comes too early, for a later one makes it" if is_made_later else ""
    return Text(f"  {missing.thing}: {file_name(files[missing.migration])}:{missing.need.line}{sure}{later}")


def _body(doubt: Doubt, files: Mapping[str, Path]) -> Text:
    name = doubt.need.inside.name if doubt.need.inside else "?"
    return Text(f"  {_place(doubt, files)} {name} uses {_of(doubt, files)}")


def _doubt(doubt: Doubt, files: Mapping[str, Path]) -> Text:
    if doubt.through is not None:
        said = f"calls {doubt.need.thing}, whose body uses {_of(doubt, files)}"
    else:
        said = f"may need {_of(doubt, files)}"
    return Text(f"  {_place(doubt, files)} {said}")


def _place(doubt: Doubt, files: Mapping[str, Path]) -> str:
    return f"{file_name(files[doubt.migration])}:{doubt.need.line}"


def _of(doubt: Doubt, files: Mapping[str, Path]) -> str:
    """What is needed, and where it is made or dropped."""
    thing = (doubt.through or doubt.need).thing
    if doubt.made is None:
        return str(thing)
    does = "made" if doubt.made.how == "creates" or doubt.made.to == thing else "dropped or renamed"
    return f"{thing}, which is {does} in {file_name(files[doubt.by])}:{doubt.made.line}"


def risk(found: Risk) -> Iterator[Text]:
    """A risk that lint sees: where, what, why, and how to go about it."""
    line = Text(f"  {found.place} ", style="default")
    line.append(f"{found.level} {found.code}", style=_STYLES[found.level])
    line.append(f" {found.title}: {found.why}")
    yield line
    yield Text(f"      {found.statement}", style="dim")
    if found.fix:
        yield Text(f"      -> {found.fix}", style="dim")


def _few_of_each(found: Sequence[Risk]) -> tuple[list[Risk], int]:
    """Return the first places that each rule finds, and how many more there are."""
    seen: Counter[str] = Counter()
    shown = []
    for each in found:
        seen[each.code] += 1
        if seen[each.code] <= FEW:
            shown.append(each)
    return shown, len(found) - len(shown)


def _levels(found: Sequence[Risk]) -> str:
    numbers = {level: sum(each.level is level for each in found) for level in Level}
    return ", ".join(counted(number, str(level)) for level, number in numbers.items() if number)


def _more(number: int) -> list[Text]:
    return [Text(f"  … and {number:,} more: --all shows them", style="dim")] if number > 0 else []
