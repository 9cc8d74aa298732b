"""Bundles and receipts are signed, and signatures demanded: whatever is changed afterwards is seen."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from migplan.bundle import manifest as manifests
from migplan.bundle.paths import BundlePaths
from migplan.postgres.address import Address
from tests.cli.conftest import Run
from tests.servers import Server

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not on this machine"),
]

ANN = "ann@example.com"


def new_key(file: Path, passphrase: str = "") -> str:
    """A key, and the line of its public half."""
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "", "-f", str(file)]
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL)
    return file.with_suffix(".pub").read_text().strip()


@pytest.fixture
def keys(nowhere: Path) -> Path:
    """The folder of Ann's key, who may sign, and of Bob's, who may not."""
    folder = nowhere / "keys"
    folder.mkdir()
    (folder / "signers").write_text(f"{ANN} {new_key(folder / 'ann')}\n")
    new_key(folder / "bob")
    return folder


@pytest.fixture
def source(newest: Server, newest_database: Callable[[str], Address]) -> str:
    script = "CREATE TABLE t (id int PRIMARY KEY, u int REFERENCES t); INSERT INTO t VALUES (1, NULL)"
    return newest.url(newest_database(script).params["dbname"])


def allowing(keys: Path, target: str = "") -> None:
    os.environ["PRD"] = target
    Path("migplan.yaml").write_text(
        "targets: {prd: {url: '${PRD}', protected: true}}\n"
        f"signatures: {{allowed_signers: '{keys / 'signers'}', required: true}}\n"
    )


def changes() -> Iterator[tuple[str, Callable[[Path], object]]]:
    """What somebody could do to a bundle that was signed; its manifest always fits its files."""

    def edit(name: str, old: str, new: str) -> Callable[[Path], object]:
        def change(folder: Path) -> None:
            file = folder / name
            text = file.read_text().replace(old, new)
            assert text != file.read_text()
            file.write_text(text)
            manifest, paths = manifests.load(folder), BundlePaths(folder)
            listed = {
                field: tuple(
                    each.model_copy(update={"sha256": manifests.digest(folder / each.file)})
                    for each in getattr(manifest, field)
                )
                for field in ("files", "companions")
            }
            manifests.save(manifest.model_copy(update=listed), paths)

        return change

    yield "rows", edit("10-data-all.sql", "\n1\t\\N\n", "\n2\t\\N\n")
    yield "a rollback", edit("rollback/01-schema-all.sql", "-- Rolls back", "-- Rolled back")
    yield "a validation", edit("validate/row-counts.sql", "--", "-- ")
    yield "the catalog", edit("catalog.json", "integer", "bigint")
    yield (
        "the manifest",
        lambda folder: (folder / "manifest.json").write_bytes(
            (folder / "manifest.json").read_bytes() + b"\n"
        ),
    )
    yield "the signature", lambda folder: (folder / "manifest.json.sig").write_text("nonsense")
    yield "no signature", lambda folder: (folder / "manifest.json.sig").unlink()


@pytest.mark.parametrize(
    ("what", "change"), [*changes()], ids=lambda value: value if isinstance(value, str) else ""
)
def test_whatever_is_changed_in_a_signed_bundle_is_seen(
    run: Run, keys: Path, source: str, what: str, change: Callable[[Path], object]
) -> None:
    said = run("export", source, "--out", "b", "--sign", str(keys / "ann")).stdout
    assert "Signature: b/manifest.json.sig" in said
    assert f"signed by {ANN}" in run("check", "b", "--signed-by", str(keys / "signers")).stdout
    allowing(keys)
    assert f"b is signed by {ANN}" in run("apply", "b", "--target", "scratch", "--dry-run").stderr
    change(Path("b"))
    assert run("check", "b", exit_code=None).exit_code == 0  # nothing but the signature tells
    said = run("check", "b", "--signed-by", str(keys / "signers"), exit_code=1).stdout
    assert "does not fit" in said or "is not signed" in said or "signed by nobody" in said
    run("apply", "b", "--target", "scratch", "--dry-run", exit_code=2)


def test_only_who_is_allowed_may_sign_and_only_for_that_purpose(run: Run, keys: Path, source: str) -> None:
    run("export", source, "--out", "b")
    assert "is not signed" in run("check", "b", "--signed-by", str(keys / "signers"), exit_code=1).stdout
    run("sign", "b", "--key", str(keys / "bob"))
    assert (
        "signed by nobody whom" in run("check", "b", "--signed-by", str(keys / "signers"), exit_code=1).stdout
    )
    words = ["ssh-keygen", "-q", "-Y", "sign", "-n", "file", "-f", str(keys / "ann"), "b/manifest.json"]
    Path("b/manifest.json.sig").unlink()
    subprocess.run(words, check=True, capture_output=True)
    assert "does not fit" in run("check", "b", "--signed-by", str(keys / "signers"), exit_code=1).stdout
    public = (keys / "ann.pub").read_text()
    (keys / "narrow").write_text(f'{ANN} namespaces="migplan-receipt" {public}')
    run("sign", "b", "--key", str(keys / "ann"))
    run("check", "b", "--signed-by", str(keys / "signers"))
    run("check", "b", "--signed-by", str(keys / "narrow"), exit_code=1)
    assert "cannot read the allowed signers" in run("check", "b", "--signed-by", "no", exit_code=1).stdout
    Path("b/10-data-all.sql").write_text("SELECT 1;\n")
    assert (
        "is not the bundle that was exported"
        in run("sign", "b", "--key", str(keys / "ann"), exit_code=2).stderr
    )


def test_a_protected_target_takes_a_receipt_that_was_signed_and_no_other(
    run: Run,
    keys: Path,
    source: str,
    new_target: str,
    newest_database: Callable[[str], Address],
    newest: Server,
) -> None:
    staging = newest.url(newest_database("").params["dbname"])
    run("export", source, "--out", "b", "--sign", str(keys / "ann"))
    run("apply", "b", staging)
    assert "Receipt: b.receipts/" in run("verify", "b", staging).stdout
    (receipt,) = Path("b.receipts").glob("[0-9]*.json")
    allowing(keys, new_target)
    apply = ("apply", "b", "--target", "prd", "--confirm", "prd")
    said = run(*apply, exit_code=2).stderr
    assert "a receipt does not count" in said
    assert "no receipt says" in said
    run("sign", str(receipt), "--key", str(keys / "bob"))
    assert "signed by nobody whom" in run(*apply, exit_code=2).stderr
    run("sign", str(receipt), "--key", str(keys / "ann"))
    good = receipt.read_text()
    receipt.write_text(good.replace('"rows": 1', '"rows": 2', 1))
    assert "does not fit" in run(*apply, exit_code=2).stderr
    receipt.write_text(good)
    run(*apply)
    said = run("verify", "b", staging, "--sign", str(keys / "ann")).stderr
    assert "Signature: b.receipts/" in said


def test_what_stands_in_the_way_of_a_signature_is_said(
    run: Run, keys: Path, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("export", source, "--out", "b")
    assert "there is no key no" in run("sign", "b", "--key", "no", exit_code=2).stderr
    Path("nonsense").write_text("no key\n")
    assert "cannot be signed with nonsense" in run("sign", "b", "--key", "nonsense", exit_code=2).stderr
    assert (
        "neither a bundle's folder nor a receipt" in run("sign", "nonsense", "--key", "k", exit_code=2).stderr
    )
    new_key(keys / "locked", "passphrase")
    monkeypatch.setenv("SSH_ASKPASS_REQUIRE", "never")
    assert "cannot be signed with" in run("sign", "b", "--key", str(keys / "locked"), exit_code=2).stderr
    Path("migplan.yaml").write_text("signatures: {required: true}\n")
    assert "names no file of who may sign" in run("apply", "b", "--target", "scratch", exit_code=2).stderr
    monkeypatch.setenv("PATH", str(keys))
    said = run("sign", "b", "--key", str(keys / "ann"), exit_code=2).stderr
    assert "it is not on this machine" in said
    assert "openssh-client" in said


def test_a_key_that_an_agent_holds_signs_by_its_public_half(run: Run, keys: Path, source: str) -> None:
    if shutil.which("ssh-agent") is None:
        pytest.skip("ssh-agent is not on this machine")
    run("export", source, "--out", "b")
    socket = str(keys / "socket")
    with subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL) as agent:
        try:
            env = {**os.environ, "SSH_AUTH_SOCK": socket}
            for _ in range(50):
                added = subprocess.run(
                    ["ssh-add", str(keys / "ann")], env=env, capture_output=True, check=False
                )
                if added.returncode == 0:
                    break
                time.sleep(0.1)
            (keys / "ann").rename(keys / "elsewhere")
            os.environ["SSH_AUTH_SOCK"] = socket
            run("sign", "b", "--key", str(keys / "ann.pub"))
            run("check", "b", "--signed-by", str(keys / "signers"))
        finally:
            os.environ.pop("SSH_AUTH_SOCK", None)
            agent.terminate()
