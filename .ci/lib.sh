# Sourced by test/run and the demo: a private copy of PostgreSQL with ddd in
# it, and throw-away servers. Nothing outside the build directory and one
# socket directory under /tmp is touched.
#
# Sets: ROOT, PG_MAJOR, PG_CONFIG, RUN (where servers live), BIN (of the copy).

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT"

# A PostgreSQL with its development files, the newest unless PG_MAJOR says.
if [ -z "${PG_MAJOR:-}" ]; then
    PG_MAJOR=$(for c in /usr/lib/postgresql/*/bin/pg_config; do
        d=${c%/bin/pg_config}
        if [ -x "$d/bin/postgres" ] && [ -e "$d/lib/pgxs/src/makefiles/pgxs.mk" ]; then basename "$d"; fi
    done | sort -n | tail -1)
fi
PG_CONFIG=/usr/lib/postgresql/$PG_MAJOR/bin/pg_config

# Servers refuse to run as root: one of these users runs them then.
SERVER_USER=""
if [ "$(id -u)" = 0 ]; then
    SERVER_USER=$(for u in postgres nobody; do id -u "$u" >/dev/null 2>&1 && echo "$u" && break; done)
fi

# as_server COMMAND...: runs it in the build directory, as the user that servers run as.
as_server() {
    if [ -n "$SERVER_USER" ]; then
        (cd "$RUN" && runuser -u "$SERVER_USER" -- env HOME="$RUN" "$@")
    else
        (cd "$RUN" && "$@")
    fi
}

# The build directory, or one of its own where the server user cannot reach it.
RUN=$ROOT/build
mkdir -p "$RUN"
if [ -n "$SERVER_USER" ] && ! runuser -u "$SERVER_USER" -- test -r "$ROOT/ddd.control"; then
    RUN=/var/tmp/ddd-$(id -u)-$(printf '%s' "$ROOT" | cksum | cut -d' ' -f1)
    mkdir -p "$RUN"
fi
[ -z "$SERVER_USER" ] || chmod 755 "$RUN"

TREE=$RUN/pg$PG_MAJOR
BIN=$TREE/usr/lib/postgresql/$PG_MAJOR/bin

# make_tree [MAKE-ARGUMENTS]: builds ddd and installs it into a private copy of
# PostgreSQL. The server finds its files relative to its own binary.
make_tree() {
    # again each time: what was installed or upgraded since comes along
    mkdir -p "$TREE/usr/lib/postgresql" "$TREE/usr/share/postgresql"
    cp -au "/usr/lib/postgresql/$PG_MAJOR" "$TREE/usr/lib/postgresql/"
    cp -auL "/usr/share/postgresql/$PG_MAJOR" "$TREE/usr/share/postgresql/"
    rm -f "$TREE/usr/share/postgresql/$PG_MAJOR/extension"/ddd*
    # objects that another PostgreSQL's headers made do not load
    local version
    version=$("$PG_CONFIG" --version)
    if [ "$(cat "$ROOT/build/objects" 2>/dev/null)" != "$version" ]; then
        rm -f ddd.so src/*.o src/*/*.o
        echo "$version" >"$ROOT/build/objects"
    fi
    make -s -j"$(nproc)" PG_CONFIG="$PG_CONFIG" with_llvm=no "$@" all
    make -s PG_CONFIG="$PG_CONFIG" with_llvm=no DESTDIR="$TREE" install >/dev/null
    # a script that starts the server, postgres.real, in its own way (test/sanity)
    if [ -n "${SERVER_WRAPPER:-}" ]; then
        cp "/usr/lib/postgresql/$PG_MAJOR/bin/postgres" "$BIN/postgres.real"
        cp "$SERVER_WRAPPER" "$BIN/postgres"
    fi
    [ -z "$SERVER_USER" ] || chown -R "$SERVER_USER" "$TREE"
}

# start_server DIR [SETTING...]: a new cluster in DIR, reachable through the
# socket directory that DIR/host names. Superuser "postgres", no password.
start_server() {
    local dir=$1 setting
    shift
    rm -rf "$dir"
    mkdir -p "$dir"
    mktemp -d /tmp/ddd-XXXXXX >"$dir/host"
    [ -z "$SERVER_USER" ] || chown -R "$SERVER_USER" "$dir" "$(cat "$dir/host")"
    as_server "$BIN/initdb" -D "$dir/data" -U postgres -A trust -N -E UTF8 --locale=C.UTF-8 >"$dir/initdb.log" 2>&1 ||
        { cat "$dir/initdb.log" >&2; return 1; }
    {
        echo "listen_addresses = ''"
        echo "unix_socket_directories = '$(cat "$dir/host")'"
        echo "port = 5432"
        for setting; do echo "$setting"; done
    } >>"$dir/data/postgresql.conf"
    as_server "$BIN/pg_ctl" -D "$dir/data" -l "$dir/log" -w -s start || { tail -20 "$dir/log" >&2; return 1; }
}

# stop_server DIR: stops that server, by its own pid, and removes its sockets.
stop_server() {
    if [ -e "$1/data/postmaster.pid" ] && as_server "$BIN/pg_ctl" -D "$1/data" status >/dev/null; then
        as_server "$BIN/pg_ctl" -D "$1/data" -m immediate -s stop
    fi
    if [ -e "$1/host" ]; then rm -rf "$(cat "$1/host")"; fi
}
