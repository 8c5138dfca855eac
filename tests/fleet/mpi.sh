# Open MPI over the hosts of the fleet, by ssh.
# shellcheck shell=bash disable=SC2154

part_mpi() {
    ssh_up
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    documented 'Open MPI'
}
