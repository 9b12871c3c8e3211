"""Packs the small networks of the zoo, as make.py writes them under Paddle 2.6.2 and 3.3.1, into the archive of goldens.

    python pack.py SMALL26 SMALL33 goldens.zip      # make.sh does it all

Both versions hold the same network with the same parameters, so that parameters, inputs and outputs are in the archive once: those of 2.6.2,
after a look that those of 3.3.1 are the same (outputs: but for rounding).
"""
import os
import sys
import zipfile

import numpy as np

STAMP = (2024, 1, 1, 0, 0, 0)  # the same archive from the same Paddle


def main():
    old, new, out = sys.argv[1:4]
    names = sorted(n for n in os.listdir(old) if not n.endswith(".part"))
    if names != sorted(n for n in os.listdir(new) if not n.endswith(".part")):
        sys.exit("the two have not the same networks")
    with zipfile.ZipFile(out, "w") as z:
        for name in names:
            files = {f: read(old, name, f) for f in os.listdir(os.path.join(old, name)) if f != "info.json"}
            for f in os.listdir(os.path.join(new, name)):
                if f == "info.json":
                    continue
                if f.startswith(("out_", "otherout_")):
                    a, b = np.load(os.path.join(old, name, f)), np.load(os.path.join(new, name, f))
                    if a.shape != b.shape or np.abs(a - b).max(initial=0) > 2e-5 * np.abs(a).max(initial=1e-30):
                        sys.exit("%s/%s: the two differ" % (name, f))
                elif f in files and files[f] != read(new, name, f):
                    sys.exit("%s/%s: the two differ" % (name, f))
                elif f not in files:
                    files[f] = read(new, name, f)
            for f, data in sorted(files.items()):
                info = zipfile.ZipInfo(name + "/" + f, STAMP)
                z.writestr(info, data, zipfile.ZIP_DEFLATED, 9)
    print("%d networks, %d bytes" % (len(names), os.path.getsize(out)))


def read(*path):
    with open(os.path.join(*path), "rb") as f:
        return f.read()


if __name__ == "__main__":
    main()
