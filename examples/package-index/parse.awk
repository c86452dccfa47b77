# Turns a Debian package index (the output of `apt-cache dumpavail`) into three
# files for COPY, in the order of the index:
#
#   DIR/packages.tsv      nth, package, description, maintainer's address, tags
#   DIR/maintainers.tsv   nth, address, name; once for each pair of the two
#   DIR/dependencies.tsv  nth, package, package depended upon, what it says
#
#   LC_ALL=C awk -v dir=DIR [-v rows=N] -f parse.awk
#
# A package that occurs more than once counts with its first stanza; rows limits
# the packages. Of alternatives (a | b) the first one counts; a package depends
# on another one once, however many clauses say so, and the first clause gives
# the version. Whether the other package is in the index is for the loader.

BEGIN {
    packages = dir "/packages.tsv"
    maintainers = dir "/maintainers.tsv"
    dependencies = dir "/dependencies.tsv"
    printf "" >packages
    printf "" >maintainers
    printf "" >dependencies
}

# One stanza: fields, their continuation lines, an empty line.
/^[^ \t]/ {
    colon = index($0, ":")
    field = tolower(substr($0, 1, colon - 1))
    if (field ~ /^description-/ && field != "description-md5")
        field = "description"
    if (field in value)
        field = "repeated"
    value[field] = trim(substr($0, colon + 1))
    next
}
/^[ \t]+\.[ \t]*$/ { value[field] = value[field] "\n"; next }
/^[ \t]+[^ \t]/ { value[field] = value[field] "\n" substr($0, 2); next }
{ end_of_stanza() }
END { end_of_stanza() }

function end_of_stanza(    name) {
    name = value["package"]
    if (name != "" && !(name in seen) && (!rows || count < rows)) {
        seen[name] = 1
        write_package(name, write_maintainer(value["maintainer"]))
        write_dependencies(name, "pre-depends on", value["pre-depends"])
        write_dependencies(name, "depends on", value["depends"])
    }
    split("", value)
}

function write_package(name, address,    tags) {
    tags = value["tag"]
    gsub(/[ \t\n]/, "", tags)
    sub(/,$/, "", tags)
    print ++count, escape(name), escape(value["description"]), escape(address), escape(tags) >packages
}

# Returns the address in "Name <address>". Where several people are listed the
# first one counts. Without a valid address one is made from what stands there.
function write_maintainer(text,    name, address, at) {
    gsub(/[ \t\n]+/, " ", text)
    sub(/>.*/, "", text)
    at = index(text, "<")
    name = trim(at ? substr(text, 1, at - 1) : text)
    address = tolower(trim(at ? substr(text, at + 1) : text))
    if (name ~ /^".*"$/)
        name = substr(name, 2, length(name) - 2)
    if (address !~ /^[a-z0-9._+-]+@[a-z0-9-]+(\.[a-z0-9-]+)+$/) {
        gsub(/[^a-z0-9]+/, "-", address)
        address = "maintainer-" address "@invalid"
    }
    if (name == "")
        name = "Unnamed"
    if (!((address, name) in people)) {
        people[address, name] = 1
        print ++people_count, escape(address), escape(name) >maintainers
    }
    return address
}

function write_dependencies(name, verb, text,    clauses, clause, target, i, n) {
    gsub(/[ \t\n]+/, " ", text)
    n = split(text, clauses, ",")
    for (i = 1; i <= n; i++) {
        clause = clauses[i]
        sub(/\|.*/, "", clause)
        clause = trim(clause)
        target = clause
        sub(/[ :(\[].*/, "", target)
        if (target == "" || (name, target) in links)
            continue
        links[name, target] = 1
        clause = match(clause, /\([^)]*\)/) ? " " substr(clause, RSTART, RLENGTH) : ""
        print ++link_count, escape(name), escape(target), escape(name " " verb " this" clause) >dependencies
    }
}

function trim(s) {
    gsub(/^[ \t\n]+|[ \t\n]+$/, "", s)
    return s
}

# As the text format of COPY wants it.
function escape(s) {
    gsub(/\\/, "&&", s)
    gsub(/\t/, "\\t", s)
    gsub(/\r/, "\\r", s)
    gsub(/\n/, "\\n", s)
    return s
}

BEGIN { OFS = "\t" }
