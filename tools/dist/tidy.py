#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""Makes the tarball of `meson dist` the same each time; Meson runs it (meson.add_dist_script).

What only a checkout needs is removed, and every file has the time of the commit.
"""

import os
import pathlib
import shutil
import subprocess

NOT_IN_IT = (".ci", ".gitignore", ".gitattributes")


def main():
    root = pathlib.Path(os.environ["MESON_DIST_ROOT"])
    source = os.environ["MESON_SOURCE_ROOT"]
    time = os.environ.get("SOURCE_DATE_EPOCH") or subprocess.run(
        ["git", "-C", source, "log", "-1", "--format=%ct"], capture_output=True, text=True, check=True).stdout
    for name in NOT_IN_IT:
        path = root / name
        if path.is_dir():
            shutil.rmtree(path)
        elif path.exists():
            path.unlink()
    for folder, folders, files in os.walk(root, topdown=False):
        for name in files + folders:
            path = os.path.join(folder, name)
            if not os.path.islink(path):
                # Whatever the umask of the user is.
                os.chmod(path, 0o755 if os.path.isdir(path) or os.access(path, os.X_OK) else 0o644)
            os.utime(path, (int(time), int(time)), follow_symlinks=False)
    os.utime(root, (int(time), int(time)))


if __name__ == "__main__":
    main()
