# Sourced by the scripts beside it: a copy of the sources with a build of its
# own, so that no instrumented object is ever mixed with a normal one, and the
# proof that a tool notices what it is there for.

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
    tar -c --exclude=./build --exclude=./.git --exclude='*.o' --exclude='*.so' --exclude='*.bc' . |
        tar -x -C "$copy"
    [ $# = 0 ] || cp "$@" "$copy/src/"
    cd "$copy"
    . .ci/lib.sh
    [ "$ROOT" = "$(pwd -P)" ] || { echo "not in the copy: $ROOT" >&2; exit 1; }

    # Where tools that watch a server report, one file or more for each process.
    REPORTS=$RUN/reports
    rm -rf "$REPORTS"
    mkdir -p "$REPORTS"
    chmod 1777 "$REPORTS"
}

# use_wrapper: servers are started by the script on standard input from now on,
# which gets the server's arguments, its binary in $real and a directory for
# reports in $SANITY_REPORTS. initdb's own backends go without it.
use_wrapper() {
    export SERVER_WRAPPER=$RUN/wrapper
    {
        echo '#!/bin/sh'
        echo 'real=$(dirname "$0")/postgres.real'
        echo 'case "${1:-}" in -D) ;; *) exec "$real" "$@" ;; esac'
        cat
    } >"$SERVER_WRAPPER"
    chmod 755 "$SERVER_WRAPPER"
}

# prove_faults: for each line "KIND PATTERN" on standard input commits that
# fault of fault.c in a server, which must be reported by the pattern and with
# the place. Counts in "wanted" and "noticed".
prove_faults() {
    local server=$RUN/fault log=$RUN/fault.log kind pattern lines
    export SANITY_REPORTS=$REPORTS/faults
    wanted=0
    noticed=0
    mkdir -m 1777 "$SANITY_REPORTS"
    trap 'stop_server "$RUN/fault"' EXIT
    make_tree
    start_server "$server"
    psql_at "$server" -c \
        "CREATE FUNCTION fault(text) RETURNS int LANGUAGE c STRICT AS '\$libdir/ddd', 'ddd_fault'"
    while read -r kind pattern; do
        wanted=$((wanted + 1))
        rm -f "$SANITY_REPORTS"/*
        lines=$(wc -l <"$server/log")
        psql_at "$server" -c "SELECT fault('$kind')" >"$log" 2>&1 || true
        tail -n "+$((lines + 1))" "$server/log" | cat - $(find "$SANITY_REPORTS" -type f) >>"$log"
        if grep -qE "$pattern" "$log" && grep -qE 'ddd_fault.*\bfault\.c' "$log"; then
            noticed=$((noticed + 1))
        else
            echo "the fault \"$kind\" is not reported:" >&2
            cat "$log" >&2
        fi
        # a crash takes every backend down and the server needs a moment
        until psql_at "$server" -c "SELECT" >"$log" 2>&1; do
            as_server "$BIN/pg_ctl" -D "$server/data" status >/dev/null ||
                { tail -20 "$server/log" >&2; exit 1; }
        done
    done
    stop_server "$server"
    rm -rf "$SANITY_REPORTS"
    export SANITY_REPORTS=$REPORTS
}

# run_suites SUITE...: runs them; sets "status", "passed" and "failed".
run_suites() {
    local log=$RUN/suites.log
    status=0
    test/run "$@" 2>&1 | tee "$log" || status=1
    read -r passed failed < <(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$log" | tail -1) ||
        { passed=0; failed=1; }
}

# psql_at SERVER ARGUMENT...: psql as superuser, in database postgres.
psql_at() {
    local server=$1
    shift
    as_server "$BIN/psql" -X -q -A -t -h "$(cat "$server/host")" -U postgres -d postgres "$@"
}
