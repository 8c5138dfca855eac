# echo-bench with its clients on another host.
# shellcheck shell=bash disable=SC2154

part_bench() {
    ssh_up
    section "echo-bench, with the client on another host"
    tells echo-bench --quick --case 50x64B --server-address "$network.10" \
        --client-command 'ssh n1 echo-client'
    check "every run" grep -oE '([0-9]+) of \1 runs' output
}
