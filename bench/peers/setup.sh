#!/bin/sh
# Makes the Python environments of the peers, and does nothing where that is done.
#
#   sh bench/peers/setup.sh [FOLDER [NAME...]]
#
# Each file of requirements/ becomes an environment of that name in FOLDER (default: octet/peers/venvs in the user's cache folder),
# with the versions that the file pins: 5 GB in all; or only those named. An environment gets its name when it is complete; one whose pins have changed is
# made anew. What cannot be had is said, and the exit code is the number of environments that are missing.
set -u

here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/octet/peers/venvs}
[ $# -eq 0 ] || shift
mkdir -p "$folder" || exit 1

# make NAME: an environment cannot be moved, so it is made where it stays and stamped last.
make() {
	pins=$here/requirements/$1.txt stamp=$folder/$1/octet-pins.txt
	cmp -s "$pins" "$stamp" && return
	printf 'setup: making %s\n' "$folder/$1" >&2
	rm -f "$stamp"
	python3 -m venv --clear "$folder/$1" && "$folder/$1/bin/python" -m pip install -q --disable-pip-version-check -r "$pins" &&
		cp "$pins" "$stamp.part" && mv "$stamp.part" "$stamp"
}

missing=0
for pins in "$here"/requirements/*.txt; do
	name=$(basename "$pins" .txt)
	case "$# $* " in
	"0 "* | *" $name "*) ;;
	*) continue ;;
	esac
	make "$name" || {
		printf 'setup: %s is missing: python3 -m venv or pip failed\n' "$name" >&2
		missing=$((missing + 1))
	}
done
exit $missing
