"""What apply, status, verify and rollback do with a folder of migrations."""

import json
import shlex
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import click

from migplan.bundle import signing
from migplan.cli import named, permission, runs, screen
from migplan.cli.boundary import FAILED, INTERRUPTED, sentence
from migplan.cli.permission import Protection, Subject
from migplan.config import Config
from migplan.errors import LaunchError, RefusedError, StepError
from migplan.files import write_whole
from migplan.level import Level
from migplan.migrations.analysis import Analysis
from migplan.migrations.lint import Risk
from migplan.migrations.model import Thing, ThingKind
from migplan.names import split
from migplan.pipeline import migrations as migrating
from migplan.pipeline import trial
from migplan.pipeline.analyze_folder import analyze_folder
from migplan.pipeline.migration_proof import (
    ProofOptions,
    compared_for_adopting,
    receipt_of,
    verify_migrations,
)
from migplan.pipeline.platforms import host_of_target
from migplan.postgres.address import Address
from migplan.postgres.binaries import find_server
from migplan.postgres.scratch import NAME as SCRATCH
from migplan.postgres.scratch import kept
from migplan.postgres.scratch import scratch as throwaway_server
from migplan.report import migration_proof as proof_report
from migplan.report import migration_status as report
from migplan.report import migrations as analysis_report
from migplan.report import trial as trial_report
from migplan.run.engine.journal import journal_reader
from migplan.run.engine.options import RunOptions
from migplan.run.migrations.adopting import to_adopt
from migplan.run.migrations.apply import MigrateOptions
from migplan.run.migrations.apply import foreseen as would_apply
from migplan.run.migrations.extensions import wanted_by
from migplan.run.migrations.refusals import ContradictedError
from migplan.run.migrations.repair import ChangedFile, as_taken_over
from migplan.run.migrations.revert import AppliedFolder, Foreseen, RevertOptions, foreseen, revert
from migplan.run.migrations.status import MigrationStatus, State, statuses_in
from migplan.text.wording import counted


def apply(
    path: Path,
    target: str,
    settings: Config,
    wanted: MigrateOptions,
    *,
    confirm: str | None,
    without_rehearsal: bool,
    strict: bool,
    tries: bool,
    scratch: str | None,
    trust_names: bool,
    repair: bool,
    yes: bool,
    dry_run: bool,
    log_format: str,
) -> None:
    """Apply what is pending, once it was tried; what lint says of it is shown before."""
    with ExitStack() as stack:
        throwaway = (
            stack.enter_context(_throwaway(path, settings)) if target == SCRATCH and not kept() else None
        )
        address = throwaway or named.resolved(target, settings)
        analysis = _analysed(path, settings, address, weighed_on=target)
        screen.show_aside(analysis_report.left_out(analysis))
        analysis = migrating.as_the_target_lacks(analysis, address, statuses_in(analysis, address))
        if trust_names:
            analysis = analysis.trusting_names()
            screen.show_aside(analysis_report.contradicting(analysis))
        known = statuses_in(analysis, address)
        changed = _changes(address, known, yes=yes or dry_run) if repair else ()
        known = as_taken_over(known) if changed else known
        lent = named.resolved(scratch, settings) if scratch is not None else None
        judges = tries and not dry_run and target != SCRATCH
        analysis, names = _order(analysis, address, known, wanted, lent, judges=judges)
        grave = _risks(analysis, set(names))
        screen.show_aside(line for each in grave for line in analysis_report.risk(each))
        if strict and grave:
            raise RefusedError("lint found risks, and --strict stops at them; nothing was changed")
        if dry_run:
            screen.show(report.pending(known, names))
            return
        rehearse = f"migplan rehearse {shlex.quote(str(path))}"
        subject = Subject(analysis.folder.name, path, migrating.digest_of(analysis), rehearse)
        granted = permission.asked(target, address, settings, subject, confirm, without_rehearsal)
        run_options = replace(wanted.options, protected_as=granted.protected_as)
        asked = replace(wanted, rehearsal=granted.rehearsal, options=run_options)
        base = None
        if target == SCRATCH:
            asked = replace(asked, tried=frozenset(names))
        elif names and tries:
            tried = _tried(analysis, address, names, known, lent, seeds=wanted.seeds)
            base, asked = tried.base, replace(asked, tried=_ran(tried, names))
        if changed:
            migrating.repair(analysis, address, changed, run_options)
            screen.show(report.taken_over(changed))
        way = f"migplan apply {shlex.quote(str(path))} --target {named.as_typed(target)}"
        with _said(analysis, address, way, gone=throwaway is not None):
            with runs.progress(log_format, quiet=True) as on_event:
                done = migrating.apply_migrations(analysis, address, asked, on_event, base)
            screen.show(report.applied(done, path, address))


@dataclass(frozen=True)
class Adopting:
    """How a target is adopted that others have migrated."""

    to: str
    scratch: str | None
    confirm: str | None
    without_rehearsal: bool
    yes: bool
    dry_run: bool


def adopt(path: Path, target: str, settings: Config, options: RunOptions, wanted: Adopting) -> None:
    """Take migrations as applied, once the target was compared with what they make."""
    if target == SCRATCH:
        raise click.UsageError("--adopt is for a target that others have migrated")
    address = named.resolved(target, settings)
    analysis = _analysed(path, settings, address)
    names = to_adopt(analysis, statuses_in(analysis, address), wanted.to)
    if not names:
        screen.show([f"{path}: nothing is pending: nothing to adopt"])
        return
    host = host_of_target(settings, target)
    lent = named.resolved(wanted.scratch, settings) if wanted.scratch is not None else None
    with screen.progress("comparing with what the migrations make") as on_progress:
        base, proof = compared_for_adopting(
            analysis, address, names, host, ProofOptions(lent, on_progress=on_progress)
        )
    told = proof_report.Told(path, proof.target, proof.server, proof.known, proof.found, proof.holds)
    screen.show(proof_report.adopted(told, names))
    if wanted.dry_run:
        return
    rehearse = f"migplan rehearse {shlex.quote(str(path))}"
    subject = Subject(analysis.folder.name, path, migrating.digest_of(analysis), rehearse)
    granted = permission.asked(target, address, settings, subject, wanted.confirm, wanted.without_rehearsal)
    is_so = proof.found.holds and bool(proof.found.judge)
    _agreed("Take them as applied all the same? Nothing of them runs.", yes=wanted.yes or is_so)
    options = replace(options, protected_as=granted.protected_as)
    run = migrating.adopt_migrations(analysis, address, names, base if proof.found.judge else None, options)
    screen.show([f"{counted(len(names), 'migration')} of {path} adopted in {address} as run {run}"])


def _agreed(question: str, *, yes: bool) -> None:
    """Ask; raise RefusedError where the answer is no, or nobody is there to give one."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise RefusedError("nobody is there to be asked; nothing was changed", do="say --yes")
    if not click.confirm(question, err=True):
        raise RefusedError("nothing was changed")


def _analysed(path: Path, settings: Config, address: Address, *, weighed_on: str = "") -> Analysis:
    """The folder, under the name of its history in the target; with a target's name its risks are weighed."""
    if weighed_on:
        platform = host_of_target(settings, weighed_on)
        analysis = analyze_folder(path, settings, address, platform, weighed=True)
    else:
        analysis = analyze_folder(path, settings, address)
    found, note = migrating.recognised_in(analysis, address)
    screen.show_aside([note] if note else [])
    return found


def _order(
    analysis: Analysis,
    address: Address,
    known: Sequence[MigrationStatus],
    wanted: MigrateOptions,
    lent: Address | None,
    *,
    judges: bool,
) -> tuple[Analysis, list[str]]:
    """Return what is to be applied; raise ContradictedError if that fails, unless a server ran it all."""

    def there() -> frozenset[Thing]:
        return migrating.things_in(address)

    try:
        return analysis, would_apply(analysis, known, wanted, there)
    except ContradictedError as refusal:
        if not judges:
            raise
        trusted = analysis.trusting_names()
        known = sorted(known, key=_place_in(trusted))
        names = would_apply(trusted, known, wanted, there)
        with screen.progress("trying the migrations in the order of their names"):
            found = trial.try_pending(trusted, address, names, known, lent=lent, seeds=wanted.seeds)
        if not found.is_judged or found.of("failed", "not tried", "not judged"):
            raise
        screen.show_aside(
            [f"{refusal.what.partition(';')[0]}, so their text says; {found.server} ran them all"]
        )
        return trusted, names


def _place_in(analysis: Analysis) -> Callable[[MigrationStatus], int]:
    """Return where a migration stands in the order; what is gone comes last."""
    places = {name: place for place, name in enumerate(analysis.order.order)}
    return lambda each: places.get(each.name, len(places))


def _changes(address: Address, known: Sequence[MigrationStatus], *, yes: bool) -> tuple[ChangedFile, ...]:
    """Show how changed files differ from what was applied, and ask whether they are to be taken over."""
    found = migrating.changed_in(address, known)
    screen.show(report.changes(found))
    _agreed("Take them over as they are now? Nothing of them runs.", yes=yes or not found)
    return found


@contextmanager
def _throwaway(path: Path, settings: Config) -> Iterator[Address]:
    """A throwaway server with the extensions that a folder makes, if one has them, and the roles it needs."""
    analysis = analyze_folder(path, settings)
    missing = (each.thing for each in analysis.order.missing)
    roles = [split(thing.name)[0] for thing in missing if thing.kind is ThingKind.ROLE]
    extensions = wanted_by(analysis.file_analyses)
    try:
        find_server(extensions=extensions)
    except LaunchError:
        extensions = frozenset()  # the server says which one it lacks
    with throwaway_server(extensions=extensions, roles=roles) as server:
        yield server.address


def _tried(
    analysis: Analysis,
    address: Address,
    names: Sequence[str],
    known: Sequence[MigrationStatus],
    lent: Address | None,
    *,
    seeds: bool,
) -> trial.Tried:
    """Try what is to be applied, and say what came of it; RefusedError if something fails."""
    with journal_reader(address) as reader:
        migrating.refuse_missing(analysis, reader.session, names)
    with screen.progress("trying the migrations"):
        found = trial.try_pending(analysis, address, names, known, lent=lent, seeds=seeds)
    if not found.is_judged:
        screen.show_aside(trial_report.inference(found.notes, trial.INFERENCE))
    else:
        screen.show_aside(
            trial_report.in_short(found.server, found.base, found.notes, found.files, found.remembered)
        )
        if found.other:
            screen.show_aside(
                trial_report.other_order(found.other.names, found.other.failed, found.other.differences)
            )
        trial.refuse_failed(found, analysis)
    return found


def _ran(tried: trial.Tried, names: Sequence[str]) -> frozenset[str]:
    """Return which of the migrations ran on the server that judged."""
    return frozenset(names if tried.remembered else (each.name for each in tried.of("ok")))


def status(path: Path, address: Address, settings: Config, form: str = "text") -> bool:
    """Show how each migration stands; whether nothing is left to do."""
    analysis = _analysed(path, settings, address)
    known = statuses_in(analysis, address)
    if form == "json":
        screen.out.print(json.dumps(report.statuses_as_value(known, path, address), indent=2))
    else:
        screen.show(report.statuses_of(known, path, address))
    return not any(each.state is not State.APPLIED and not each.is_seed for each in known)


@dataclass(frozen=True)
class VerifyOptions:
    """How a folder is verified, and how that is told."""

    shape: str = "text"
    report: Path | None = None
    lent: Address | None = None
    everything: bool = False
    key: Path | None = None  # that signs the receipt


def verify(path: Path, address: Address, settings: Config, wanted: VerifyOptions) -> bool:
    """Show whether the applied migrations did what they say; whether all holds, and nothing is left."""
    analysis = _analysed(path, settings, address)
    with screen.progress("verifying") as on_progress:
        options = ProofOptions(wanted.lent, wanted.everything, on_progress)
        proof = verify_migrations(analysis, address, options)
    receipt = receipt_of(analysis, address, proof)
    told = proof_report.Told(
        path, proof.target, proof.server, proof.known, proof.found, proof.holds, proof.receipts
    )
    if wanted.report is not None:
        write_whole(wanted.report, proof_report.as_markdown(told))
    match wanted.shape:
        case "json":
            screen.out.print(json.dumps(proof_report.as_json(told), indent=2))
        case "markdown":
            screen.out.print(proof_report.as_markdown(told), end="")
        case _:
            screen.show(proof_report.as_text(told))
    if wanted.report is not None:
        screen.show_aside([f"Report: {wanted.report}"])
    if receipt:
        (screen.show if wanted.shape == "text" else screen.show_aside)([f"Receipt: {receipt}"])
        if wanted.key is not None:
            screen.show_aside([f"Signature: {signing.sign(receipt, wanted.key, signing.RECEIPT)}"])
    elif wanted.key is not None:
        screen.show_aside(
            ["nothing is signed: there is a receipt only of what holds, and is applied as a whole"]
        )
    return proof.holds


@dataclass(frozen=True)
class Asked:
    """Who agrees to a rollback, and how it is told."""

    protection: Protection
    confirm: str | None = None
    yes: bool = False
    dry_run: bool = False
    log_format: str = "text"


def rollback(
    path: Path | str,
    address: Address,
    settings: Config,
    wanted: RevertOptions,
    asked: Asked,
) -> None:
    """Roll migrations back; a way back that was derived is shown before, and asked about.

    ``path`` is the folder, or its name in the journal alone, where it is gone.
    """
    analysis = _analysed(path, settings, address) if isinstance(path, Path) else None
    given = AppliedFolder(analysis.folder.name if analysis else str(path), analysis)
    if asked.dry_run:
        screen.show(report.way_back(foreseen(given, address, wanted), address))
        return
    with _said(analysis, address, "the same command"):
        asking = replace(wanted, agreed=_asking(address, asked))
        with runs.progress(asked.log_format, quiet=True) as on_event:
            done = revert(given, address, asking, on_event)
        screen.show(report.reverted(done, path, address))


def _asking(address: Address, asked: Asked) -> Callable[[Foreseen], None]:
    def agreed(found: Foreseen) -> None:
        screen.show(report.way_back(found, address))
        asked.protection.confirm(asked.confirm)
        _agreed("Roll them back?", yes=asked.yes)

    return agreed


def _risks(analysis: Analysis, names: Collection[str]) -> list[Risk]:
    """What lint warns of in these migrations, the most severe first."""
    found = (
        each
        for analysed in analysis.file_analyses
        if analysed.migration.name in names
        for each in analysed.risks
        if each.level is not Level.NOTE
    )
    return sorted(found, key=lambda each: each.level.rank)


@contextmanager
def _said(analysis: Analysis | None, address: Address, way: str, *, gone: bool = False) -> Iterator[None]:
    """What failed, how all stands after it, and the command to go on with."""
    try:
        yield
    except StepError as error:
        if not gone:
            runs.name_event_trigger(error, address)
        click.echo(sentence(error), err=True)
        if error.left:
            click.echo(f"  {error.left}", err=True)
        _stands(analysis, address, way, failed=True, gone=gone)
        sys.exit(FAILED)
    except KeyboardInterrupt:
        click.echo("migplan: stopped; what was not committed is rolled back", err=True)
        _stands(analysis, address, way, failed=False, gone=gone)
        sys.exit(INTERRUPTED)


def _stands(analysis: Analysis | None, address: Address, way: str, *, failed: bool, gone: bool) -> None:
    if gone:
        click.echo(
            f"  stays: nothing; the throwaway server is gone\n  -> from the beginning: {way}", err=True
        )
        return
    if analysis is None:
        click.echo("  what was rolled back before stays so; the same command goes on", err=True)
        return
    known = statuses_in(analysis, address)
    for line in report.stays(known, way, failed=failed):
        click.echo(line.plain, err=True)
