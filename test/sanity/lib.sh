# Sourced by the scripts beside it: a copy of the sources with a build of its
# own, so that no instrumented object is ever mixed with a normal one.

[ -n "${BASH_VERSION:-}" ] || exit 1
SANITY=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# copy_tree NAME [C-FILE...]: copies the sources to build/NAME, adds the files
# to the library's own and goes there. What .ci/lib.sh sets is the copy's then.
copy_tree() {
    local name=$1 copy
    shift
    cd "$SANITY/../.."
    .ci/install-deps "$name"
    . .ci/lib.sh
    copy=$RUN/$name
    rm -rf "$copy"
    mkdir -p "$copy"
    tar -c --exclude=./build --exclude=./.git --exclude='*.o' --exclude='*.so' --exclude='*.bc' . | tar -x -C "$copy"
    [ $# = 0 ] || cp "$@" "$copy/src/"
    cd "$copy"
    . .ci/lib.sh
    # sourced by path, lib.sh is that of the copy, and so is all that it makes
    [ "$ROOT" = "$(pwd -P)" ] || { echo "not in the copy: $ROOT" >&2; exit 1; }
}

# counts LOG: the "N passed, N failed" that test/run ends with, as "N N".
counts() { sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$1" | tail -1; }

# psql_at SERVER ARGUMENT...: psql as superuser, in database postgres.
psql_at() {
    local server=$1
    shift
    as_server "$BIN/psql" -X -q -A -t -h "$(cat "$server/host")" -U postgres -d postgres "$@"
}
