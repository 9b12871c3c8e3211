#!/bin/sh
# Makes goldens.zip: small networks of every family by Paddle 2.6.2 and 3.3.1 (installed by bench/peers/setup.sh), about three minutes.
set -eu
cd "$(dirname "$0")"
venvs=${XDG_CACHE_HOME:-$HOME/.cache}/octet/peers/venvs
../../bench/peers/setup.sh "$venvs" paddle26 paddle33
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for version in paddle26 paddle33; do
	"$venvs/$version/bin/python" make.py "$work/$version" --small
done
"$venvs/paddle26/bin/python" pack.py "$work/paddle26" "$work/paddle33" goldens.zip
