# Sourced by test/run: a private copy of the PostgreSQL that the Debian release
# before this one carries, with ddd in it, and a server that comes from it by
# pg_upgrade.
#
# Sets: OLDER, its major version, empty where there is none; OLDER_HOME, where
# its bin and lib are. Its programs need LD_LIBRARY_PATH=$OLDER_HOME/lib.

OLDER=$(awk -v major="$PG_MAJOR" '!/^#/ && $3 + 0 < major + 0 { print $3 }' .ci/debian-releases | sort -n | tail -1)
OLDER_TREE=$RUN/older$OLDER
OLDER_HOME=$OLDER_TREE/usr/lib/postgresql/$OLDER

# make_older: unpacks it and installs ddd.
make_older() {
    local source=$OLDER_TREE/source
    rm -rf "$OLDER_TREE"
    .ci/unpack-postgres "$OLDER" "$OLDER_TREE"
    # a copy: objects for two servers do not lie in one directory
    mkdir "$source"
    tar -c --exclude='*.o' --exclude='*.bc' Makefile ddd.control sql src | tar -x -C "$source"
    env -u COPT make -s -C "$source" -j"$(nproc)" PG_CONFIG="$OLDER_HOME/bin/pg_config" with_llvm=no all install \
        >"$OLDER_TREE/make.log" 2>&1 || { tail -20 "$OLDER_TREE/make.log" >&2; return 1; }
    [ -z "$SERVER_USER" ] || chown -R "$SERVER_USER" "$OLDER_TREE"
}

# start_upgraded DIR [SETTING...]: as start_server, but the cluster comes from
# the older PostgreSQL. In it each suite has its database, with the newest ddd
# or with the oldest, which is updated on the newer PostgreSQL.
start_upgraded() {
    local dir=$1 name oldest
    shift
    oldest=$(for release in sql/releases/*/; do basename "$release"; done | sort -V | head -1)
    BIN=$OLDER_HOME/bin LD_LIBRARY_PATH=$OLDER_HOME/lib start_server "$dir.older" "$@"
    for name in regress isolation pgtap client; do
        sql_at "$dir.older" postgres "CREATE DATABASE ddd_$name"
        case $name in
            regress | pgtap) sql_at "$dir.older" "ddd_$name" "CREATE EXTENSION ddd" ;;
            *) sql_at "$dir.older" "ddd_$name" "CREATE EXTENSION ddd VERSION '$oldest'" ;;
        esac
    done
    start_server "$dir" "$@"
    as_server "$BIN/pg_ctl" -D "$dir.older/data" -m fast -w -s stop
    as_server "$BIN/pg_ctl" -D "$dir/data" -m fast -w -s stop

    # it writes its scripts where it is started
    as_server env --chdir="$dir" LD_LIBRARY_PATH="$OLDER_HOME/lib" \
        "$BIN/pg_upgrade" --link --no-sync -U postgres -s "$(cat "$dir/host")" \
        -b "$OLDER_HOME/bin" -B "$BIN" -d "$dir.older/data" -D "$dir/data" >"$dir/pg_upgrade.log" 2>&1 ||
        { cat "$dir/pg_upgrade.log"; grep -rh ERROR "$dir/data/pg_upgrade_output.d" || true; return 1; } >&2
    as_server "$BIN/pg_ctl" -D "$dir/data" -l "$dir/log" -w -s start
    as_server "$BIN/vacuumdb" -q -h "$(cat "$dir/host")" -U postgres --all --analyze-in-stages
    as_server "$BIN/psql" -Xq -v ON_ERROR_STOP=1 -h "$(cat "$dir/host")" -U postgres -d postgres \
        -o "$dir/update.log" -f "$dir/update_extensions.sql"
}

# sql_at DIR DATABASE STATEMENT: runs it on the server in DIR.
sql_at() {
    as_server "$BIN/psql" -XqAt -v ON_ERROR_STOP=1 -h "$(cat "$1/host")" -U postgres -d "$2" -c "$3"
}
