"""What a test may take away from a process: room, and root's rights."""

import os
import shutil
import subprocess

import pytest


def private_mount(folder, size):
    """Runs a command with a small file system of its own on `folder`; gone with the process."""
    rights = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    prefix = ["unshare", *rights, "--mount", "--propagation", "private", "sh", "-c",
              f'mount -t tmpfs -o size={size} tmpfs "$0" && exec "$@"', str(folder)]
    if (tried := subprocess.run([*prefix, "true"], capture_output=True, text=True)).returncode != 0:
        pytest.skip(f"no small file system can be mounted here: {tried.stderr.strip()}")
    return prefix


def as_anybody():
    """Root without the right to overlook permissions and to take low ports; anybody else as they are."""
    if os.geteuid() != 0:
        return []
    if not shutil.which("setpriv"):
        pytest.skip("setpriv (util-linux) is not installed, and root may read everything")
    rights = "-dac_override,-dac_read_search,-net_bind_service"
    return ["setpriv", f"--inh-caps={rights}", f"--bounding-set={rights}"]
