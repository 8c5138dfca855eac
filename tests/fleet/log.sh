# What the parts have in common: the log, checks, waiting, and the server.
# shellcheck shell=bash disable=SC2154

passed=0
failed=0
sections=0

die() {
    echo "fleet: $*" >&2
    exit 1
}

# section TITLE: begins one, in a new folder.
section() {
    end_section
    section_start=$SECONDS
    sections=$((sections + 1))
    mkdir "$scratch/work/$sections"
    cd "$scratch/work/$sections" || exit
    printf '\n==== %s\n' "$*"
}

end_section() {
    [ "$sections" -eq 0 ] || printf '==== took %d s\n' $((SECONDS - section_start))
}

summary() {
    end_section
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
}

good() {
    passed=$((passed + 1))
    printf 'ok      %s\n' "$*"
}

bad() {
    failed=$((failed + 1))
    printf 'NOT OK  %s\n' "$*"
}

# show COMMAND...: prints it as it can be typed.
show() {
    local word line='$'
    for word in "$@"; do
        case $word in
            *[!A-Za-z0-9_.:,/={}%+@-]*) line+=" '$word'" ;;
            *) line+=" $word" ;;
        esac
    done
    echo "$line"
}

# tells COMMAND...: shows it and what it prints. It has to succeed.
tells() {
    local status=0
    show "$@"
    "$@" >output 2>&1 || status=$?
    cat output
    [ $status -eq 0 ] || bad "exit code $status"
}

# runs COMMAND...: the same, but what it prints is for the file `output`.
runs() {
    local status=0
    show "$@"
    "$@" >output 2>&1 || status=$?
    [ $status -eq 0 ] || bad "exit code $status: $(tail -n 30 output)"
}

# fails PATTERN COMMAND...: shows it and the lines with the pattern. It has to end with 1, and to
# print one.
fails() {
    local pattern=$1 status=0
    shift
    show "$@"
    "$@" >output 2>&1 || status=$?
    if grep -E -- "$pattern" output && [ $status -eq 1 ]; then
        good "exit code 1"
    else
        bad "exit code $status; expected 1, and a line with '$pattern': $(cat output)"
    fi
}

# check TEXT COMMAND...: whether the command succeeds. What it prints follows the text.
check() {
    local text=$1 detail
    shift
    if detail=$("$@" 2>&1); then
        good "$text${detail:+: $detail}"
    else
        bad "$text${detail:+: $detail}"
    fi
}

# counted WHAT ARGUMENT...: prints what check.py counts.
counted() {
    "$here/check.py" "$@" || bad "check.py $1"
}

# eventually SECONDS WHAT COMMAND...: until the command succeeds; ends all after that time.
eventually() {
    local deadline=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
        [ $SECONDS -lt "$deadline" ] || die "waited in vain for $what"
        sleep 0.05
    done
}

# server_on: starts the server on s0. At its end it writes server.json.
server_on() {
    show echo-server -l :7001 --json=server.json
    : >server.log
    echo-server -l :7001 --json=server.json >server.log 2>&1 &
    server=$!
    eventually 10 'the server' grep -q '^listening' server.log
}

server_off() {
    kill -TERM "$server"
    wait "$server" || bad "the server ended with $?: $(tail -n 3 server.log)"
}

# soon SECONDS: the time that many seconds from now, as --start-at takes it.
soon() {
    date -d "+$1 seconds" +%s.%3N
}

# merges: the reports r.*.json and that of the server, as a user does it and once more by hand.
merges() {
    tells echo-client --merge r.?.json --server server.json
    runs echo-client --merge r.?.json --server server.json --json=merged.json
    check "the books of both sides, counted again" "$here/check.py" books server.json r.?.json
}

# documented HEADING: runs the commands that docs/fleet.md has there.
documented() {
    local commands status=0
    section "docs/fleet.md, $1"
    commands=$(awk -v heading="## $1" '/^#/ { here = $0 == heading } here && sub(/^    /, "")' \
        "$here/../../docs/fleet.md")
    [ -n "$commands" ] || die "docs/fleet.md has no commands about '$1'"
    echo "$commands"
    echo
    bash -uc "$commands" >output 2>errors || status=$?
    cat output
    [ $status -eq 0 ] || bad "exit code $status: $(cat errors)"
    check "the books of both sides, counted again" "$here/check.py" books server.json r.?.json
    counted starts r.?.json
}
