# SPDX-License-Identifier: Apache-2.0
"""Keys and signatures as docs/agent-protocol.md has them, by openssl's command line: no library is needed."""

import base64
import pathlib
import subprocess
import tempfile

# What stands before the 32 bytes of an Ed25519 public key in DER.
SPKI = bytes.fromhex("302a300506032b6570032100")


def text_of(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def bytes_of(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def run(*words):
    return subprocess.run(["openssl", *map(str, words)], capture_output=True, check=False)


class Key:
    """A key pair of our own."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="berth-key-")
        self.file = pathlib.Path(self.folder.name) / "key"
        assert run("genpkey", "-algorithm", "ed25519", "-out", self.file).returncode == 0
        self.public = run("pkey", "-in", self.file, "-pubout", "-outform", "DER").stdout[len(SPKI):]
        assert len(self.public) == 32

    def sign(self, message):
        path = pathlib.Path(self.folder.name) / "message"
        path.write_bytes(message)
        return run("pkeyutl", "-sign", "-inkey", self.file, "-rawin", "-in", path).stdout


def is_signed(public, message, signature):
    with tempfile.TemporaryDirectory(prefix="berth-sign-") as name:
        folder = pathlib.Path(name)
        for part, data in (("key", SPKI + public), ("message", message), ("signature", signature)):
            (folder / part).write_bytes(data)
        return run("pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", folder / "key", "-rawin", "-in",
                   folder / "message", "-sigfile", folder / "signature").returncode == 0


def session_text(body):
    return (f"berth-session-v1\n{body['nonce']}\n{body['machine_id']}\n{body['boot_id']}\n"
            f"{body['agent_incarnation']}\n{body['fingerprint']}\n").encode()


def whole_text(machine, body):
    return f"berth-hello-v1\n{machine}\n".encode() + body


def request_text(method, path, machine, epoch, stream, seq, body):
    return f"berth-request-v1\n{method}\n{path}\n{machine}\n{epoch}\n{stream}\n{seq}\n".encode() + body


def key_text(machine, epoch, public):
    return f"berth-key-v1\n{machine}\n{epoch}\n{public}\n".encode()


def destroy_text(machine, instance, gen):
    return f"berth-destroy-v1\n{machine}\n{instance}\n{gen}\n".encode()
