# What the pods of deploy/kubernetes run, on the hosts of the fleet. No Kubernetes takes part.
# shellcheck shell=bash disable=SC2034,SC2154

part_kubernetes() {
    local rank pods=() client probe server_command
    section "Kubernetes: the commands of deploy/kubernetes, one pod on each host"
    mapfile -t client < <(words_of fleet.yaml command)
    mapfile -t probe < <(words_of server.yaml probe)
    mapfile -t server_command < <(words_of server.yaml command)
    show "${server_command[@]}"
    "${server_command[@]}" >server.log 2>&1 &
    server=$!
    show "${probe[@]}"
    eventually 10 'the readiness of the server' "${probe[@]}"
    client+=(--rate=2k --duration=5s --warmup=1s) # the manifest's are for faster links
    for rank in 3 2 1 0; do
        show "JOB_COMPLETION_INDEX=$rank" "${client[@]}"
        on "n$((rank + 1))" env -i PATH="$PATH" JOB_COMPLETION_INDEX="$rank" JOB_COMPLETIONS=4 \
            ECHOPORT_RUN_TOKEN="$scratch" "${client[@]}" >"log.$rank" 2>&1 &
        pods+=($!)
        sleep 1 # pods start at different times
    done
    for rank in 3 2 1 0; do
        wait "${pods[3 - rank]}" || bad "rank $rank ended with $?: $(tail -n 3 "log.$rank")"
        grep '^{' "log.$rank" >"r.$rank.json" || bad "no report in log.$rank"
    done
    server_off
    grep '^{' server.log >server.json || bad "no report in server.log"
    merges
    counted starts r.?.json
}

# words_of FILE command|probe: those of the command that a container there runs, one a line.
words_of() {
    python3 - "$here/../../deploy/kubernetes/$1" "$2" <<'END'
import re
import sys

text = open(sys.argv[1], encoding="utf-8").read()
probe = re.search(r"exec:\s*command: \[(.*)\]", text)
if sys.argv[2] == "probe":
    words = probe.group(1)
else:
    words = re.search(r"^          command:(.*(?:\n            - .*)*)", text, re.M).group(1)
words = re.sub(r" # .*", "", words)
for word in re.findall(r'"[^"]*"|[^\s\[\],"]+', words):
    if word != "-":
        print(word.strip('"'))
END
}
