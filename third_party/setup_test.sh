#!/bin/sh
# Proves what third_party/setup.sh promises, in throw-away copies; prints "setup-test: N of N" last.
#
#   sh third_party/setup_test.sh
#
# The first case fetches oneDNN through Maven into an empty cache (27 MB); everything after it runs without mvn and pip.
set -u

here=$(cd "$(dirname "$0")" && pwd)
t=$(mktemp -d)
trap 'chmod -R u+w "$t"; rm -rf "$t"' EXIT
passed=0 total=0

# A search path with neither mvn nor pip stands for a machine without network.
mkdir "$t/offline"
python=$(python3 -c 'import sys; print(sys.executable)')
for tool in sh uname sed cat mktemp mkdir rm mv cp tail gcc as ld; do ln -s "$(command -v $tool)" "$t/offline/$tool"; done
printf '#!/bin/sh\n[ "$1 ${2:-}" != "-m pip" ] || exit 1\nexec "%s" "$@"\n' "$python" >"$t/offline/python3"
chmod +x "$t/offline/python3"

# The same with a mvn that delivers something else.
cp -R "$t/offline" "$t/tampered"
cat >"$t/tampered/mvn" <<'END'
#!/bin/sh
for arg; do
	case $arg in
	-DoutputDirectory=*) folder=${arg#*=} ;;
	-Dartifact=*) name=${arg#*:} ;;
	esac
done
version=${name#dnnl:}
echo tampered >"$folder/dnnl-${version%%:*}-${name##*:}.jar"
END
chmod +x "$t/tampered/mvn"

# Headers of oneDNN 2.6, as Debian 12 has them.
mkdir -p "$t/two/oneapi/dnnl"
printf '#define DNNL_VERSION_MAJOR 2\n#define DNNL_VERSION_MINOR 6\n' >"$t/two/oneapi/dnnl/dnnl_version.h"
: >"$t/two/oneapi/dnnl/dnnl.h"

# clone NAME makes a fresh copy of the parts that set-up touches and goes there.
clone() {
	mkdir -p "$t/$1/third_party" "$t/$1/cgo"
	cp "$here/setup.sh" "$here/unpack.py" "$t/$1/third_party"
	cd "$t/$1" || exit 1
}

# setup VAR=value... runs set-up with only these settings; its messages go to $t/err, its output to $t/out.
setup() { env -u ONEDNN_PREFIX -u ONEDNN_ROUTE ONEDNN_CACHE="$t/cache" CGO_CFLAGS= CGO_LDFLAGS= "$@" sh third_party/setup.sh >"$t/out" 2>"$t/err"; }

# check NAME COMMAND... counts one case.
check() {
	name=$1
	shift
	total=$((total + 1))
	if "$@"; then
		passed=$((passed + 1))
		printf 'ok   %s\n' "$name"
	else
		printf 'FAIL %s\n' "$name"
		sed 's/^/     /' "$t/err"
	fi
}

# refused WORDS VAR=value...: set-up fails with exactly one sentence, which matches WORDS; announced fetches do not count.
refused() {
	words=$1
	shift
	if setup "$@"; then return 1; fi
	grep -v '^setup: fetching' "$t/err" >"$t/sentences"
	[ "$(wc -l <"$t/sentences")" -eq 1 ] && grep -q "^setup: .*$words.*ONEDNN_PREFIX" "$t/sentences" && [ ! -e cgo/aa_third_party.go ]
}

unchanged() {
	sleep 1
	: >"$t/marker"
	setup "$@" && [ -z "$(find . "$t/cache" -newer "$t/marker")" ] && [ ! -s "$t/err" ] && [ ! -s "$t/out" ]
}

fast() {
	"$python" - <<'END'
import subprocess, sys, time

def run():
    start = time.perf_counter()
    subprocess.run(["sh", "third_party/setup.sh"], check=True)
    return time.perf_counter() - start

best = min(run() for _ in range(5))
print("     second run: %.0f ms" % (best * 1e3))
sys.exit(best > 0.1)
END
}

in_place() { [ -f third_party/onednn/lib/libdnnl.so.3 ] && [ -f third_party/onednn/include/oneapi/dnnl/dnnl.h ] && [ -f cgo/aa_third_party.go ]; }
installs() { setup "$@" && in_place; }
repairs() { rm third_party/onednn/lib/libdnnl.so && installs "$@"; }
merges() { mkdir -p third_party/onednn/lib && : >third_party/onednn/lib/mine && installs "$@" && [ -f third_party/onednn/lib/mine ]; }
twice_at_once() {
	setup "$@" &
	first=$!
	env ONEDNN_CACHE="$t/cache" "$@" sh third_party/setup.sh >/dev/null 2>&1 && wait $first && in_place &&
		[ -z "$(find . -name '*.octet-*')" ]
}
takes_system() { setup "$@" && [ ! -e third_party/onednn ] && [ ! -e cgo/aa_third_party.go ]; }
takes_prefix() { setup "$@" && [ ! -e third_party/onednn ] && grep -q "$t/online/third_party/onednn/lib" cgo/aa_third_party.go; }
exports() { setup "$@" && [ -f "$t/own/lib/libdnnl.so.3" ] && grep -q "^export CGO_LDFLAGS=.*$t/own/lib" "$t/out" && [ -z "$(find . -newer "$t/marker")" ]; }
stops_the_compiler() { ! gcc -fsyntax-only "$@" "$here/../cgo/onednn.h" 2>"$t/err" && head -n 3 "$t/err" | grep -q 'error: .*third_party/setup.sh'; }

clone online
check "fetches through Maven into an empty cache" installs ONEDNN_ROUTE=maven
check "a second run changes nothing" unchanged ONEDNN_ROUTE=maven
check "a second run takes less than 0.1 s" fast
check "repairs a missing library from the cache" repairs PATH="$t/offline" ONEDNN_ROUTE=maven
clone wheels
if python3 -m pip --version >/dev/null 2>&1; then
	check "fetches the older second source through pip" installs ONEDNN_ROUTE=pip
else
	echo "SKIP the second source: no pip here"
fi
clone "with a space"
check "works from the cache without network, in a folder with a space" installs PATH="$t/offline" ONEDNN_ROUTE=maven
clone merging
check "keeps what was in the prefix" merges PATH="$t/offline" ONEDNN_ROUTE=maven
clone racing
check "two runs at once" twice_at_once PATH="$t/offline" ONEDNN_ROUTE=maven
clone systemwide
onednn=$t/online/third_party/onednn
check "takes a usable system oneDNN and fetches nothing" takes_system PATH="$t/offline" ONEDNN_CACHE="$t/empty" \
	CGO_CFLAGS="-I$onednn/include" CGO_LDFLAGS="-L$onednn/lib -Wl,-rpath,$onednn/lib"
clone prefixed
check "takes a usable oneDNN in ONEDNN_PREFIX" takes_prefix PATH="$t/offline" ONEDNN_CACHE="$t/empty" ONEDNN_PREFIX="$onednn"
clone octet@v0.1.0
sleep 1
: >"$t/marker"
chmod -R a-w .
check "module cache: installs into ONEDNN_PREFIX, prints the flags, writes nothing beside itself" exports PATH="$t/offline" ONEDNN_PREFIX="$t/own"
check "module cache: asks for ONEDNN_PREFIX" refused "module cache" PATH="$t/offline" CGO_CFLAGS=-nostdinc
clone refusing
check "wrong checksum" refused "wrong checksum: dnnl-.* has sha256 .* pinned" PATH="$t/tampered" ONEDNN_CACHE="$t/empty" ONEDNN_ROUTE=maven
check "no route and nothing installed" refused "cannot fetch oneDNN: install Maven" PATH="$t/offline" ONEDNN_CACHE="$t/empty" CGO_CFLAGS=-nostdinc
check "no route and oneDNN 2.6 installed" refused "the installed 2.6 does not serve" PATH="$t/offline" ONEDNN_CACHE="$t/empty" CGO_CFLAGS="-I$t/two"
check "only the system allowed, which has 2.6" refused "oneDNN 2.6 does not serve" PATH="$t/offline" ONEDNN_ROUTE=system CGO_CFLAGS="-I$t/two"
check "only the system allowed, which has none" refused "no oneDNN is installed" PATH="$t/offline" ONEDNN_ROUTE=system CGO_CFLAGS=-nostdinc
for archive in "$t"/cache/*.jar; do mkdir -p "$t/broken" && head -c 1000000 "$archive" >"$t/broken/${archive##*/}"; done
check "a broken archive in the cache and no network" refused "cannot fetch oneDNN" PATH="$t/offline" ONEDNN_CACHE="$t/broken" CGO_CFLAGS=-nostdinc
check "compiling without headers names the remedy first" stops_the_compiler -nostdinc "-I$t/offline"
check "compiling with 2.6 headers names the remedy first" stops_the_compiler "-I$t/two"

cd "$here" || exit 1
printf 'setup-test: %d of %d\n' "$passed" "$total"
[ "$passed" -eq "$total" ]
