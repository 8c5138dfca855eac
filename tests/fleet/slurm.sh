# Slurm on the hosts of the fleet: munged, slurmctld on s0, and slurmd on n1 to n4.
# shellcheck shell=bash disable=SC2154

slurm_up() {
    local host
    mkdir -p "$scratch/slurm" /run/munge
    over_folder /etc/slurm
    slurm_conf >/etc/slurm/slurm.conf
    # Slurm 22.05 looks for cgroups, also where nothing is to use them.
    echo 'CgroupPlugin=cgroup/v1' >/etc/slurm/cgroup.conf
    (umask 077 && head -c 1024 /dev/urandom >"$scratch/slurm/munge.key")
    munged --foreground --key-file="$scratch/slurm/munge.key" --pid-file="$scratch/slurm/munged.pid" \
        --seed-file="$scratch/slurm/munged.seed" >"$scratch/slurm/munged.log" 2>&1 &
    eventually 10 munged munge -n -o /dev/null 2>/dev/null
    slurmctld -D >"$scratch/slurm/slurmctld.out" 2>&1 &
    for host in "${nodes[@]}"; do
        on "$host" slurmd -D -N "$host" >"$scratch/slurm/slurmd.$host.out" 2>&1 &
    done
    eventually 60 'four idle nodes of Slurm' slurm_is_up
}

slurm_is_up() {
    [ "$(sinfo --noheader --states=idle --format=%D 2>/dev/null)" = "${#nodes[@]}" ]
}

# No limits, no accounting: what takes part in a start is what takes part in any cluster.
slurm_conf() {
    cat <<END
ClusterName=fleet
SlurmctldHost=s0
AuthType=auth/munge
SlurmUser=root
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
ReturnToService=2
SlurmdParameters=config_overrides
SlurmctldPidFile=$scratch/slurm/slurmctld.pid
SlurmctldLogFile=$scratch/slurm/slurmctld.log
StateSaveLocation=$scratch/slurm/state
SlurmdPidFile=$scratch/slurm/slurmd.%n.pid
SlurmdLogFile=$scratch/slurm/slurmd.%n.log
SlurmdSpoolDir=$scratch/slurm/spool.%n
NodeName=n[1-4] CPUs=2
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverSubscribe=FORCE
END
}

part_slurm() {
    slurm_up
    section "Slurm: a task on every host"
    runs srun -N4 -n4 hostname
    check "all answered" answered "${nodes[@]}"
}
