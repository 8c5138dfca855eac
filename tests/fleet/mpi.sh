# Open MPI over the hosts of the fleet, by ssh.
# shellcheck shell=bash disable=SC2154

part_mpi() {
    ssh_up
    section "Open MPI: a process on every host"
    runs mpirun --allow-run-as-root --host n1,n2,n3,n4 -n 4 hostname
    check "all answered" answered "${nodes[@]}"
}
