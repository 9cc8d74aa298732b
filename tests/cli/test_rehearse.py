"""Rehearsals, the receipts that they leave, and the protected targets that ask for them."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from migplan import config as configuration
from migplan.cli.commands.rehearse import Asked
from migplan.cli.options import ChoiceWish, PlanWish
from migplan.errors import FileError
from migplan.run.bundle import receipt
from tests.cli.conftest import Run
from tests.servers import Server

pytestmark = pytest.mark.slow

SHOP = """
CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE orders (id int PRIMARY KEY, customer int NOT NULL REFERENCES customers);
CREATE INDEX ON orders (customer);
INSERT INTO customers SELECT n, 'c' || n FROM generate_series(1, 40) n;
INSERT INTO orders SELECT n, 1 + n % 40 FROM generate_series(1, 200) n;
"""
BUNDLE = "migrations/migration"


@pytest.fixture
def shop(newest: Server, nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, str]]:
    """A source, and an empty target that migplan.yaml protects."""
    source, target = newest.create_database(SHOP), newest.create_database()
    monkeypatch.setenv("SHOP", newest.url(source))
    monkeypatch.setenv("PRODUCTION", newest.url(target))
    (nowhere / "migplan.yaml").write_text(
        "source: {url: '${SHOP}'}\ntargets: {production: {url: '${PRODUCTION}', protected: true}}\n"
    )
    try:
        yield newest.url(source), newest.url(target)
    finally:
        newest.drop_database(source)
        newest.drop_database(target)


def test_a_rehearsal_goes_there_and_back_and_there_again(shop: tuple[str, str], run: Run) -> None:
    said = run("rehearse").stdout
    stages = [line.split()[0] for line in said.splitlines() if line.startswith("  ") and " s  " in line]
    assert stages[:5] == ["export", "apply", "verify", "rollback", "compare"]
    assert "apply again" in said
    assert "the target is as it was before" in said
    assert "240 rows" in said
    (file,) = Path(f"{BUNDLE}.receipts").glob("*.json")
    left = receipt.Receipt.model_validate_json(file.read_bytes())
    assert (left.rows, left.tables_by_content, left.tables_by_count) == (240, 2, 0)
    assert sum(step.rows for step in left.steps) == 240


def test_a_target_of_ones_own_is_left_with_the_second_apply(
    shop: tuple[str, str], newest: Server, run: Run
) -> None:
    target = newest.create_database()
    try:
        run("rehearse", "--target", newest.url(target))
        with newest.connect(dbname=target) as connection:
            assert connection.execute("SELECT count(*) FROM orders").fetchone() == (200,)
            kinds = connection.execute("SELECT kind, state FROM migplan.run ORDER BY run").fetchall()
        assert kinds == [("apply", "undone"), ("rollback", "done"), ("apply", "done")]
    finally:
        newest.drop_database(target)


def test_a_plan_that_does_not_fit_ends_the_rehearsal(shop: tuple[str, str], newest: Server, run: Run) -> None:
    run("plan", "--out", "plan.yaml")
    with psycopg.connect(shop[0]) as connection:
        connection.execute("ALTER TABLE orders ADD COLUMN note text")
    said = run("rehearse", "plan.yaml", exit_code=1).stdout
    assert "NO: plan.yaml no longer fits" in said
    assert not Path("migrations").exists()


def test_a_protected_target_wants_a_rehearsal_and_its_name(shop: tuple[str, str], run: Run) -> None:
    run("export")
    refused = run("apply", "--target", "production", exit_code=2).stderr
    assert "production is protected, and no receipt" in refused
    assert "--without-rehearsal" in refused
    assert "is protected" in run("apply", "--target", shop[1], exit_code=2).stderr, "by its URL, too"
    (digest,) = {hashlib.sha256(Path(BUNDLE, "manifest.json").read_bytes()).hexdigest()}
    assert f"Bundle: {BUNDLE}, digest {digest[:16]}" in run("rehearse").stdout.splitlines()[0]
    assert "--confirm production" in run("apply", "--target", "production", exit_code=2).stderr
    wrong = run("apply", "--target", "production", "--confirm", "staging", exit_code=2)
    assert "'staging' is not 'production'" in wrong.stderr
    # An export of what has not changed takes no receipt away.
    said = run("export").stdout
    assert f"Nothing has changed since {BUNDLE} was exported: it stays as it is, digest {digest[:16]}" in said
    assert "(1 rehearsal)" in said
    assert hashlib.sha256(Path(BUNDLE, "manifest.json").read_bytes()).hexdigest() == digest
    assert "overwritten" not in said
    run("apply", "--target", "production", "--confirm", "production")
    status = json.loads(run("status", "--target", "production", "--format", "json").stdout)
    assert status["runs"][0]["rehearsal"].startswith("rehearsed on scratch")
    run("verify", "--target", "production")


def test_only_what_is_whole_and_of_the_same_database_stays_when_nothing_has_changed(
    shop: tuple[str, str], run: Run, newest: Server
) -> None:
    same = "Nothing has changed"
    manifest, rows = Path(BUNDLE, "manifest.json"), Path(BUNDLE, "10-data-all.sql")
    run("export")
    Path(f"{manifest}.sig").write_text("a signature")
    before = manifest.read_bytes()
    assert "(its signature)" in run("export", "--access", "group").stdout
    assert manifest.read_bytes() == before
    assert Path(f"{manifest}.sig").exists()
    assert rows.stat().st_mode & 0o777 == 0o640, "who may read it is as it was said last"
    assert not [*Path("migrations").glob(".*")]
    rows.write_text(rows.read_text() + "-- mine\n")
    assert same not in run("export", "--force").stdout
    rows.unlink()
    assert same not in run("export").stdout
    Path(BUNDLE, "15-mine.sql").write_text("SELECT 1;")
    assert same not in run("export").stdout
    assert same in run("export").stdout
    with psycopg.connect(shop[0]) as connection:
        connection.execute("UPDATE customers SET name = 'other' WHERE id = 1")
    assert same not in run("export").stdout
    copy = newest.create_database(template=str(conninfo_to_dict(shop[0])["dbname"]))
    try:
        said = run("export", "--source", newest.url(copy)).stdout
    finally:
        newest.drop_database(copy)
    assert same not in said, "of another database"


def test_going_without_a_rehearsal_is_said_and_journaled(shop: tuple[str, str], run: Run) -> None:
    run("export")
    words = ("apply", "--target", "production", "--confirm", "production", "--without-rehearsal")
    assert "without a rehearsal" in run(*words).stderr
    status = json.loads(run("status", "--target", "production", "--format", "json").stdout)
    assert "--without-rehearsal" in status["runs"][0]["rehearsal"]


def test_a_receipt_of_the_target_itself_proves_nothing(shop: tuple[str, str], run: Run) -> None:
    run("export")
    run("apply", "--target", "production", "--confirm", "production", "--without-rehearsal")
    assert "Receipt: " in run("verify", "--target", "production").stdout
    assert "no receipt" in run("apply", "--target", "production", exit_code=2).stderr


def test_a_receipt_of_another_bundle_proves_nothing(shop: tuple[str, str], run: Run) -> None:
    run("rehearse")
    said = run("export", "--constraints", "with-schema").stdout
    assert "is overwritten: 1 rehearsal of it" in said
    assert "no receipt" in run("apply", "--target", "production", exit_code=2).stderr


def test_the_bundle_that_is_there_is_rehearsed_and_its_source_is_not_asked(
    shop: tuple[str, str], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("export")
    before = {path: path.read_bytes() for path in Path(BUNDLE).rglob("*") if path.is_file()}
    monkeypatch.setenv("SHOP", "postgresql://nobody@nowhere.invalid/shop")
    said = run("rehearse").stdout
    assert said.startswith(f"Bundle: {BUNDLE}, digest ")
    assert "export " not in said
    assert {path: path.read_bytes() for path in Path(BUNDLE).rglob("*") if path.is_file()} == before
    digest = asked().bundle(None).digest
    assert asked().bundle(Path(BUNDLE)).digest == digest
    # By another name, it is still the only one that is there; of two, one has to be named.
    Path("migplan.yaml").write_text(Path("migplan.yaml").read_text() + "plan: {name: other}\n")
    assert asked().bundle(None).digest == digest
    shutil.copytree(BUNDLE, "migrations/second")
    with pytest.raises(FileError, match="there are 2 bundles under migrations, and none by the plan's name"):
        asked().bundle(None)


def asked(*, fresh: bool = False) -> Asked:
    """What `rehearse` was asked, without going on to the rehearsal."""
    settings = configuration.find(None)
    wish = PlanWish(ignored=False, again=False)
    choice = ChoiceWish((), needed=False, dangling_keys=True)
    return Asked(None, settings, None, 1, wish, choice, fresh=fresh, force=False)


def test_a_plan_takes_the_bundle_that_was_made_of_it_and_no_other(
    shop: tuple[str, str], run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    run("plan")
    plan = Path("plans/migration.yaml")
    run("export")
    first = asked().bundle(plan)
    assert first.digest == hashlib.sha256(Path(BUNDLE, "manifest.json").read_bytes()).hexdigest()
    assert capsys.readouterr() == ("", "")
    plan.write_text(plan.read_text().replace("name: all", "name: shop"))
    assert asked().bundle(None).digest == first.digest, "the bundle that is there"
    assert f"{BUNDLE} was not made of {plan} as it is now; migplan rehearse --fresh" in capsys.readouterr()[1]
    second = asked().bundle(plan)
    assert {file.group for file in second.manifest.files} == {"shop"}
    out, err = capsys.readouterr()
    assert f"{BUNDLE} was not made of {plan} as it is now" in err
    assert out.startswith(f"Plan: {plan}, 1 group, 1 decision by hand")
    assert asked().bundle(plan).digest == second.digest
    capsys.readouterr()
    asked(fresh=True).bundle(None)
    assert "export " in capsys.readouterr()[0]


def test_what_apply_refuses_is_not_rehearsed(shop: tuple[str, str], run: Run, nowhere: Path) -> None:
    run("export")
    rows = Path(BUNDLE, "10-data-all.sql")
    text = rows.read_text()
    rows.write_text(text + "-- one more line\n")
    for words in ((), (BUNDLE,)):
        said = run("rehearse", *words, exit_code=2).stderr
        assert "10-data-all.sql was changed after the export" in said
        assert said == run("apply", BUNDLE, "--target", "scratch", exit_code=2).stderr
    rows.unlink()
    assert "10-data-all.sql is missing" in run("rehearse", exit_code=2).stderr
    rows.write_text(text)
    config = Path("migplan.yaml").read_text()
    (nowhere / "signers").write_text("")
    Path("migplan.yaml").write_text(config + "signatures: {allowed_signers: signers, required: true}\n")
    assert "is not signed" in run("rehearse", BUNDLE, exit_code=2).stderr
    Path("migplan.yaml").write_text(config)
    assert "--source applies only when one is written" in run("rehearse", BUNDLE, shop[0], exit_code=2).stderr
    assert "and not of" in run("rehearse", "--source", shop[1], exit_code=2).stderr
    (nowhere / "m").mkdir()
    assert "there are no migrations in m" in run("rehearse", "m", exit_code=2).stderr
    assert "gone is not there: no bundle" in run("rehearse", "gone", exit_code=2).stderr


def test_a_target_that_holds_a_run_is_not_rolled_back_by_a_rehearsal(
    shop: tuple[str, str], newest: Server, run: Run, new_target: str
) -> None:
    run("export")
    run("apply", "--target", new_target)
    said = run("rehearse", "--target", new_target, exit_code=2).stderr
    assert "holds what run 1 (migration) brought, and a rehearsal would roll it back" in said
    assert run("verify", "--target", new_target).exit_code == 0


def test_what_a_target_has_is_kept_when_it_is_exported_anew(
    shop: tuple[str, str], run: Run, new_target: str
) -> None:
    run("export")
    run("apply", "--target", new_target)
    with psycopg.connect(shop[0]) as connection:
        connection.execute("CREATE TABLE later (n int)")
    digest = hashlib.sha256(Path(BUNDLE, "manifest.json").read_bytes()).hexdigest()
    kept = Path(f"{BUNDLE}.{digest[:8]}")
    said = run("export").stdout
    assert f"({digest[:8]}) was applied to postgresql://postgres@" in said
    assert f"It is kept as {kept}: remove it when no target needs it" in said
    assert hashlib.sha256((kept / "manifest.json").read_bytes()).hexdigest() == digest
    run("check", str(kept))
    # What names the folder is told where the other one is; and without a name, it is not in the way.
    where = f"what was applied is kept in {kept}"
    assert where in run("status", BUNDLE, "--target", new_target).stderr
    assert where in run("verify", "--target", new_target, exit_code=1).stdout
    said = run("apply", "--target", new_target, exit_code=2).stderr
    assert "public.orders" in said
    assert run("verify", str(kept), "--target", new_target).stdout.splitlines()[-1].startswith("Receipt: ")
    assert len([*Path(f"{BUNDLE}.receipts").iterdir()]) == 2
    assert not Path(f"{kept}.receipts").exists()
    said = run("rollback", BUNDLE, "--target", new_target, "--yes").stdout
    assert where in said
    assert "What was applied is rolled back, as the journal keeps it" in said
    run("apply", "--target", new_target)
    # A name that is taken by something else is no reason to lose anything.
    second = hashlib.sha256(Path(BUNDLE, "manifest.json").read_bytes()).hexdigest()
    Path(f"{BUNDLE}.{second[:8]}").mkdir()
    said = run("export", exit_code=2).stderr
    assert f"cannot be kept: {BUNDLE}.{second[:8]} is there already" in said
    assert hashlib.sha256(Path(BUNDLE, "manifest.json").read_bytes()).hexdigest() == second


def test_a_run_that_was_begun_with_the_former_bundle_goes_on_with_it(
    shop: tuple[str, str], run: Run, newest: Server, new_target: str
) -> None:
    run("export")
    with psycopg.connect(new_target) as connection:  # which stops the run at its last step
        connection.execute("CREATE TABLE other (n int); CREATE INDEX orders_customer_idx ON other (n)")
    run("apply", "--target", new_target, exit_code=2)
    with psycopg.connect(new_target) as connection:
        connection.execute("DROP TABLE other")
    run("export", "--no-owner")  # another one, however quick
    (kept,) = (path for path in Path("migrations").iterdir() if path.suffix not in {"", ".receipts"})
    said = run("apply", "--target", new_target, exit_code=2).stderr
    assert f"migplan apply {kept}" in said
    run("apply", str(kept), "--target", new_target)


def test_a_rehearsal_does_not_touch_a_protected_target(shop: tuple[str, str], run: Run) -> None:
    assert "is protected" in run("rehearse", "--target", "production", exit_code=2).stderr


def test_no_password_gets_into_a_receipt(shop: tuple[str, str], newest: Server, run: Run) -> None:
    run("export")
    with newest.superuser("hush-hush") as name:
        target = newest.create_database()
        try:
            url = newest.url(target, user=name, password="hush-hush")
            run("apply", "--target", url)
            run("verify", "--target", url)
        finally:
            newest.drop_database(target)
    begun, file = sorted(Path(f"{BUNDLE}.receipts").iterdir(), reverse=True)
    assert begun.name.startswith("begun-")
    assert "hush" not in file.name + file.read_text() + begun.name + begun.read_text()
