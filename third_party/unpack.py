#!/usr/bin/env python3
"""Merge the oneDNN library and headers of one archive into a prefix.

usage: unpack.py ARCHIVE PREFIX

ARCHIVE is a Maven jar or a Python wheel (both are zip files) that holds a
folder named "include" and a shared library of oneDNN. Every file is written
under a temporary name and renamed, so a program that has the old library
mapped keeps it and a reader never sees half a file. Nothing is deleted.
"""

import os
import shutil
import sys
import zipfile

# The archive's name of the library, and the name that the linker's -ldnnl asks for.
LIBRARIES = {"libdnnl.so.3": "libdnnl.so", "libdnnl.3.dylib": "libdnnl.dylib"}


def place(name):
    """Return the path below the prefix for an archive member, or None to skip it."""
    parts = name.split("/")
    if name.endswith("/") or ".." in parts:
        return None
    if parts[-1] in LIBRARIES:
        return os.path.join("lib", parts[-1])
    if "include" in parts and parts[-1].endswith((".h", ".hpp")):
        return os.path.join("include", *parts[parts.index("include") + 1:])
    return None


def rename_into(target, make):
    """Call make(temporary name), then give the result its real name."""
    os.makedirs(os.path.dirname(target), exist_ok=True)
    temporary = "%s.octet-%d" % (target, os.getpid())
    try:
        make(temporary)
        os.replace(temporary, target)
    finally:
        if os.path.lexists(temporary):
            os.unlink(temporary)


def unpack(archive, prefix):
    seen = set()
    with zipfile.ZipFile(archive) as bundle:
        for member in bundle.infolist():
            relative = place(member.filename)
            if relative is None or relative in seen:  # the wheel holds its library three times
                continue
            seen.add(relative)

            def copy(temporary):
                with bundle.open(member) as source, open(temporary, "wb") as sink:
                    shutil.copyfileobj(source, sink, 1 << 20)
                os.chmod(temporary, 0o644)

            rename_into(os.path.join(prefix, relative), copy)
    for library, plain in LIBRARIES.items():
        if os.path.join("lib", library) in seen:
            rename_into(os.path.join(prefix, "lib", plain), lambda temporary: os.symlink(library, temporary))
    if not seen:
        sys.exit("%s: holds neither oneDNN headers nor its library" % archive)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    unpack(sys.argv[1], sys.argv[2])
