"""An object store that speaks S3 and checks signatures, from npm."""

import os

from harness import ROOT, node_tool
from processes import ChildServer

SECRET = "S3RVER"


class ObjectStore(ChildServer):
    name = "the object store"

    def __init__(self, folder):
        node, missing = node_tool("node")
        if not missing and not (ROOT / "tests/e2e/node_modules/@20minutes/s3rver").exists():
            missing = "there is no object store: npm could not install tests/e2e/package.json (@20minutes/s3rver)"
        if missing:
            raise FileNotFoundError(missing)
        super().__init__(folder)
        self.node = node
        self.start()

    def command(self):
        # Its tokens of continuation need a cipher that OpenSSL 3 counts as old.
        return [*self.node, "--openssl-legacy-provider", str(ROOT / "tests/e2e/object_store.mjs"), str(self.folder / "data"), str(self.port)]

    def place(self, prefix="drill"):
        """The settings but the keys."""
        return {"backup.storage": f"s3://backups/{prefix}", "backup.s3.endpoint": f"http://127.0.0.1:{self.port}",
                "backup.s3.path_style": "true", "backup.s3.private_network": "true", "backup.s3.part_size": "5MB"}

    def settings(self, prefix="drill"):
        return self.place(prefix) | {"backup.s3.access_key": SECRET, "backup.s3.secret_key": SECRET}

    def keys(self):
        """Of all objects, as they lie there."""
        found = []
        for folder, _, files in os.walk(self.folder / "data/backups"):
            found += [os.path.relpath(os.path.join(folder, file), self.folder / "data/backups") for file in files]
        return found
