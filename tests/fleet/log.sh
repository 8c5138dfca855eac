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
    show "$@"
    "$@" 2>&1 || bad "exit code $?"
}

# runs COMMAND...: the same, but what it prints is for the file `output`.
runs() {
    local status=0
    show "$@"
    "$@" >output 2>&1 || status=$?
    [ $status -eq 0 ] || bad "exit code $status: $(cat output)"
}

# refuses PATTERN COMMAND...: shows it and its last lines. It has to end with 1 and to print a line
# with the pattern.
refuses() {
    local pattern=$1 status=0
    shift
    show "$@"
    "$@" >output 2>&1 || status=$?
    tail -n 6 output
    if [ $status -eq 1 ] && grep -Eq -- "$pattern" output; then
        good "refused"
    else
        bad "exit code $status; expected 1 and a line with '$pattern'"
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
    show echo-server -l :6001 --json=server.json
    echo-server -l :6001 --json=server.json >server.log 2>&1 &
    server=$!
    eventually 10 'the server' grep -q '^listening' server.log
}

server_off() {
    kill -TERM "$server"
    wait "$server" || bad "the server ended with $?: $(tail -n 3 server.log)"
}

# soon SECONDS: the time that many seconds from now, as --start-at takes it.
soon() {
    date -u -d "+$1 seconds" +%s.%N
}
