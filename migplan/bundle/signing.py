"""Signatures of bundles and receipts, made and checked by OpenSSH.

A digest shows that files are what a manifest says; who changes both leaves no trace. A signature of the
manifest, which holds every digest, shows who vouches for it. Keys, agents and files of allowed signers are
those of ``ssh-keygen -Y``: https://man.openbsd.org/ssh-keygen#ALLOWED_SIGNERS.
"""

import subprocess
import tempfile
from pathlib import Path

from migplan.errors import FileError, LaunchError, SignatureError
from migplan.files import read_bytes, write_whole

# A signature is good for one purpose only: one of a receipt does not vouch for a bundle.
BUNDLE = "migplan-bundle"
RECEIPT = "migplan-receipt"

_LONGEST = 60.0  # seconds: a person may have to type a passphrase, or touch a key


def signature_of(file: Path) -> Path:
    """Return the path of a file's signature, which stands beside the file."""
    return file.with_name(f"{file.name}.sig")


def sign(file: Path, key: Path, purpose: str) -> Path:
    """Sign a file with a private key, or a public one whose private half an agent has; return its path."""
    content = _content(file)
    if not key.is_file():
        raise SignatureError(f"there is no key {key}", do="make one with: ssh-keygen -t ed25519", file=key)
    done = _ssh_keygen("-Y", "sign", "-n", purpose, "-f", str(key), given=content)
    if done.returncode or not done.stdout.startswith(b"-----BEGIN SSH SIGNATURE-----"):
        raise SignatureError(
            f"{file} cannot be signed with {key}: {_said(done)}",
            do="a key with a passphrase needs a terminal to ask at, or an agent: ssh-add; then name its .pub",
            file=key,
        )
    signature = signature_of(file)
    write_whole(signature, done.stdout.decode())
    return signature


def signer(file: Path, allowed: Path, purpose: str) -> tuple[str, bytes]:
    """Who signed a file, as the allowed signers are called, and the bytes that were signed.

    ``SignatureError`` where there is no signature, it does not fit, or nobody made it who is allowed to.
    """
    content, signature = _content(file), signature_of(file)
    try:
        read_bytes(signature)
    except FileError as error:
        raise SignatureError(
            f"{file} is not signed: cannot read {signature.name}: {error.what}",
            do=f"sign it: migplan sign {file.parent if purpose == BUNDLE else file} --key KEY",
            file=signature,
        ) from None
    try:
        read_bytes(allowed)
    except FileError as error:
        raise SignatureError(
            f"cannot read the allowed signers {allowed}: {error.what}", file=allowed
        ) from None
    found = _ssh_keygen("-Y", "find-principals", "-s", str(signature), "-f", str(allowed))
    names = [name for name in found.stdout.decode("utf-8", "replace").splitlines() if name]
    if found.returncode or not names:
        raise SignatureError(
            f"{file} is signed by nobody whom {allowed} allows: {_said(found)}",
            do="ask whoever signed it for the public key, and make sure that it is theirs",
            file=signature,
        )
    for name in names:
        fits = ("-Y", "verify", "-n", purpose, "-I", name, "-s", str(signature), "-f", str(allowed))
        done = _ssh_keygen(*fits, given=content)
        if not done.returncode:
            return name, content
    raise SignatureError(
        f"the signature of {file} does not fit: {_said(done)}",
        do="it was changed after it was signed, or signed for another purpose: have it made and signed anew",
        file=signature,
    )


def _content(file: Path) -> bytes:
    try:
        return read_bytes(file)
    except FileError as error:
        raise SignatureError(f"cannot read {file}: {error.what}", file=file) from None


def _ssh_keygen(*words: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    try:
        # From a file: where nothing is read, a pipe would be broken.
        with tempfile.TemporaryFile() as stream:
            stream.write(given)
            stream.seek(0)
            return subprocess.run(
                ["ssh-keygen", *words], stdin=stream, capture_output=True, timeout=_LONGEST, check=False
            )
    except FileNotFoundError:
        raise LaunchError(
            "signatures are ssh-keygen's, and it is not on this machine",
            do="install OpenSSH's client (openssh-client, openssh-clients), 8.2 or newer",
        ) from None
    except OSError as error:
        raise LaunchError(f"ssh-keygen cannot be started: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise LaunchError(
            f"ssh-keygen did not answer within {_LONGEST:.0f} seconds", do="is a key waiting to be touched?"
        ) from None


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    """What ssh-keygen said, on one line; it does not speak of itself by name."""
    lines = (done.stderr or done.stdout).decode("utf-8", "replace").splitlines()
    said = "; ".join(line.strip() for line in lines if line.strip() and not line.startswith("Signing "))
    if "unknown option" in said or "illegal option" in said:
        return "this ssh-keygen is older than signatures (OpenSSH 8.2)"
    return said or f"ssh-keygen ended with {done.returncode}"
