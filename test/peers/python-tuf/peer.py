"""What python-tuf does with a repository, for the interop suite and the benchmark:

peer.py version
peer.py read ROOT METADATA_URL TARGETS_URL FOLDER PATH...   client; the folder is its cache
peer.py write RECIPE FOLDER                                 repository, as recipe.ts describes it
peer.py measure ROOT TARGETS ROUNDS                         milliseconds to parse and verify, the least of the rounds
"""

import hashlib
import json
import sys
import time
from datetime import datetime, timedelta, timezone
from importlib.metadata import version
from pathlib import Path
from urllib.parse import quote

from cryptography.hazmat.primitives.serialization import load_pem_private_key
from securesystemslib.formats import encode_canonical
from securesystemslib.signer import CryptoSigner, SSlibKey
from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    Role,
    Root,
    Snapshot,
    SuccinctRoles,
    TargetFile,
    Targets,
    Timestamp,
)
from tuf.api.serialization.json import JSONSerializer
from tuf.ngclient import Updater


def read(root, metadata_url, targets_url, folder, *paths):
    caches = [Path(folder) / name for name in ("metadata", "targets")]
    for cache in caches:
        cache.mkdir(parents=True, exist_ok=True)
    client = Updater(
        str(caches[0]), metadata_url, str(caches[1]), targets_url, bootstrap=Path(root).read_bytes()
    )
    client.refresh()
    for path in paths:
        info = client.get_targetinfo(path)
        answer = {"path": path, "found": info is not None}
        if info is not None:
            data = Path(client.download_target(info)).read_bytes()
            answer["sha256"] = hashlib.sha256(data).hexdigest()
            if info.custom is not None:
                answer["custom"] = info.custom
        print(json.dumps(answer))


def measure(root_file, targets_file, rounds):
    root = Metadata[Root].from_file(root_file).signed
    data = Path(targets_file).read_bytes()
    least = float("inf")
    for _ in range(int(rounds)):
        start = time.perf_counter()
        targets = Metadata[Targets].from_bytes(data)
        root.verify_delegate("targets", targets.signed_bytes, targets.signatures)
        least = min(least, time.perf_counter() - start)
    print(least * 1000)


class Writer:
    def __init__(self, recipe, folder):
        self.recipe = recipe
        self.folder = Path(folder)
        self.expires = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(days=30)
        self.signers = {name: self.open(key) for name, key in recipe["keys"].items()}
        (self.folder / "metadata").mkdir(parents=True)

    @staticmethod
    def open(entry):
        private = load_pem_private_key(entry["private"].encode(), None)
        plain = SSlibKey.from_crypto(private.public_key(), scheme=entry["scheme"])
        keyid = make_keyid(entry["keytype"], entry["scheme"], plain.keyval)
        return CryptoSigner(private, SSlibKey(keyid, entry["keytype"], entry["scheme"], plain.keyval))

    def keyids(self, names):
        return [self.signers[name].public_key.keyid for name in names]

    def keys(self, *groups):
        return {
            self.signers[name].public_key.keyid: self.signers[name].public_key
            for names in groups
            for name in names
        }

    def write(self, role, signed, names):
        metadata = Metadata(signed)
        for name in dict.fromkeys(names):
            metadata.sign(self.signers[name], append=True)
        name = quote(role, safe="") + ".json"
        if role == "root" or (self.recipe["consistent"] and role != "timestamp"):
            name = f"{signed.version}.{name}"
        metadata.to_file(str(self.folder / "metadata" / name), JSONSerializer(compact=False))

    def write_roots(self):
        recipe = self.recipe
        before = []
        for number, keys in enumerate(recipe["roots"], 1):
            groups = {
                "root": keys,
                "targets": recipe["targets"],
                "snapshot": recipe["online"],
                "timestamp": recipe["online"],
            }
            root = Root(
                number,
                expires=self.expires,
                keys=self.keys(*(group["keys"] for group in groups.values())),
                roles={
                    name: Role(self.keyids(group["keys"]), group["threshold"])
                    for name, group in groups.items()
                },
                consistent_snapshot=recipe["consistent"],
                unrecognized_fields=dict(recipe["unknown"]),
            )
            self.write("root", root, keys["keys"] + before)
            before = keys["keys"]

    def write_rest(self):
        recipe = self.recipe
        roles = {"targets": self.empty()}
        signers = {"targets": recipe["targets"]["keys"]}
        for entry in recipe["delegate"]:
            name = entry["name"]
            roles[name] = self.empty()
            signers[name] = entry["keys"]
            parent = roles[entry["delegator"]]
            parent.delegations = parent.delegations or Delegations({}, {})
            parent.delegations.keys.update(self.keys(entry["keys"]))
            parent.delegations.roles[name] = DelegatedRole(
                name,
                self.keyids(entry["keys"]),
                entry["threshold"],
                entry["terminating"],
                entry.get("paths"),
                entry.get("prefixes"),
            )
        bins = recipe.get("succinct")
        if bins:
            succinct = SuccinctRoles(
                self.keyids(bins["keys"]), bins["threshold"], bins["bitLength"], bins["namePrefix"]
            )
            roles["targets"].delegations = Delegations(self.keys(bins["keys"]), None, succinct)
            for name in succinct.get_roles():
                roles[name] = self.empty()
                signers[name] = bins["keys"]
        for target in recipe["list"]:
            self.list(roles[target["role"]], target)
        for name, targets in roles.items():
            self.write(name, targets, signers[name])
        online = recipe["online"]["keys"]
        meta = {f"{name}.json": MetaFile(1) for name in roles}
        self.write("snapshot", Snapshot(1, expires=self.expires, meta=meta), online)
        self.write("timestamp", Timestamp(1, expires=self.expires), online)

    def empty(self):
        return Targets(1, expires=self.expires, unrecognized_fields=dict(self.recipe["unknown"]))

    def list(self, role, target):
        path, data = target["path"], target["content"].encode()
        info = TargetFile.from_data(path, data, ["sha256"])
        if "custom" in target:
            info.unrecognized_fields["custom"] = target["custom"]
        role.targets[path] = info
        place = Path(path)
        name = f"{info.hashes['sha256']}.{place.name}" if self.recipe["consistent"] else place.name
        file = self.folder / "targets" / place.parent / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)


def make_keyid(keytype, scheme, keyval):
    """The keyid of the specification, for any spelling of the key type."""
    text = encode_canonical({"keytype": keytype, "scheme": scheme, "keyval": keyval})
    return hashlib.sha256(text.encode()).hexdigest()


def write(recipe_file, folder):
    writer = Writer(json.loads(Path(recipe_file).read_text()), folder)
    writer.write_roots()
    writer.write_rest()


if __name__ == "__main__":
    command, *args = sys.argv[1:]
    if command == "version":
        print("python-tuf", version("tuf"))
    else:
        {"read": read, "write": write, "measure": measure}[command](*args)
