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
    munged --foreground --key-file="$scratch/slurm/munge.key" \
        --pid-file="$scratch/slurm/munged.pid" --seed-file="$scratch/slurm/munged.seed" \
        >"$scratch/slurm/munged.log" 2>&1 &
    eventually 10 munged munge -n -o /dev/null 2>/dev/null
    slurmctld -D >"$scratch/slurm/slurmctld.out" 2>&1 &
    for host in "${nodes[@]}"; do
        on "$host" slurmd -D -N "$host" >"$scratch/slurm/slurmd.$host.out" 2>&1 &
    done
    eventually 60 'four idle nodes of Slurm' slurm_is_up
}

slurm_is_up() {
    [ "$(sinfo --noheader --states=idle --format=%D 2>/dev/null)" = "${#nodes[@]}" ] &&
        [ -z "$(squeue --noheader)" ]
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
    documented 'Slurm'
    slurm_exact
    slurm_starts --start-at T
    slurm_starts --barrier n1:7002
    slurm_late
    slurm_killed
    slurm_missing
    slurm_different
    slurm_totals
}

# slurm_section TITLE: with a server. After a task has failed, its node ends the others first.
slurm_section() {
    section "Slurm: $*"
    eventually 60 'four idle nodes' slurm_is_up
    server_on
}

# Over the slow link of n4 a message of 16 KiB takes 13 milliseconds there and back.
slurm_exact() {
    slurm_section "the merged latency is that of all messages, to the nanosecond"
    runs srun -N4 -n4 -K1 --output=log.%t --error=log.%t echo-client s0:7001 -c 16 -s 16KiB -R 400 \
        -d 8s --arrival poisson -v \
        --percentiles 0,1,5,10,20,30,40,50,60,70,75,80,90,95,98,99,99.5,99.9,99.99,100 \
        --share auto --start-at "$(soon 2)" '--json=r.{rank}.json'
    server_off
    runs echo-client --merge r.?.json --server server.json --json=merged.json
    check "equal to one histogram of every line ack(...)" "$here/check.py" samples merged.json log.?
    counted average merged.json r.?.json
}

# slurm_starts OPTION VALUE: the value T is 1.5 seconds ahead of each start.
slurm_starts() {
    local start value
    slurm_section "how far apart the first messages are, in 20 starts by $1"
    show srun -N4 -n4 -K1 echo-client s0:7001 -c 4 -d 200ms \
        --share auto "$1" "$2" '--json=START.{rank}.json'
    for start in {01..20}; do
        [ "$2" = T ] && value=$(soon 1.5) || value=$2
        srun -N4 -n4 -K1 --output=none echo-client s0:7001 -c 4 -d 200ms \
            --share auto "$1" "$value" "--json=$start.{rank}.json" 2>errors ||
            bad "start $start ended with $?: $(cat errors)"
        counted starts "$start".?.json >apart
        cat apart
        cat apart >>all
    done
    server_off
    check "the median is at most 5 ms, and none is above 50 ms" "$here/check.py" spread all 5 50
}

slurm_late() {
    slurm_section "rank 2 is late"
    # The task's shell expands the variables, here and below.
    # shellcheck disable=SC2016
    fails ' late: ' srun -N4 -n4 -K1 sh -c '[ $SLURM_PROCID != 2 ] || sleep 3; exec "$@"' sh \
        echo-client s0:7001 -d 5s --share auto --start-at "$(soon 2)" '--json=r.{rank}.json'
    server_off
    fails 'r\.2\.json|rank 2' echo-client --merge r.0.json r.1.json r.2.json r.3.json
}

slurm_killed() {
    local engine
    slurm_section "rank 2 is killed"
    show srun -N4 -n4 -K1 echo-client s0:7001 -d 20s \
        --share auto --start-at T '--json=r.{rank}.json'
    srun -N4 -n4 -K1 echo-client s0:7001 -d 20s \
        --share auto --start-at "$(soon 1)" '--json=r.{rank}.json' >output 2>&1 &
    engine=$!
    eventually 10 'rank 2' pid_of_rank 2 >pid
    sleep 2
    show kill -KILL "$(cat pid)"
    kill -KILL "$(cat pid)"
    if wait "$engine"; then
        bad "srun ended with 0"
    else
        good "srun ended the others"
    fi
    server_off
    fails 'r\.2\.json|rank 2' echo-client --merge r.0.json r.1.json r.2.json r.3.json
}

pid_of_rank() {
    local process
    for process in /proc/[0-9]*; do
        if [ "$(cat "$process/comm" 2>/dev/null)" = echo-client ] &&
            grep -qzx "SLURM_PROCID=$1" "$process/environ"; then
            echo "${process#/proc/}"
            return
        fi
    done
    return 1
}

slurm_missing() {
    slurm_section "a report is missing, and one is there twice"
    runs srun -N4 -n4 -K1 echo-client s0:7001 -d 1s \
        --share auto --start-at "$(soon 1)" '--json=r.{rank}.json'
    server_off
    fails 'rank 2' echo-client --merge r.0.json r.1.json r.3.json
    fails 'rank 1|r\.1\.json' echo-client --merge r.0.json r.1.json r.1.json r.2.json r.3.json
}

slurm_different() {
    slurm_section "rank 3 has other options"
    # shellcheck disable=SC2016
    runs srun -N4 -n4 sh -c 'size=64; [ $SLURM_PROCID != 3 ] || size=65; exec "$@" -s $size' sh \
        echo-client s0:7001 -d 1s --share auto --start-at "$(soon 1)" '--json=r.{rank}.json'
    server_off
    fails 'size' echo-client --merge r.0.json r.1.json r.2.json r.3.json
}

slurm_totals() {
    slurm_section "20,000 messages per second of four clients"
    runs srun -N4 -n4 echo-client s0:7001 -c 16 -s 64 -R 20k -d 3s -i 200ms \
        --share auto --start-at "$(soon 2)" '--json=r.{rank}.json'
    server_off
    merges
    check "messages due" "$here/check.py" total merged.json counters.messages+unsent 60000
    check "messages per second" "$here/check.py" rate merged.json 20000

    slurm_section "1,000,000 messages of three clients"
    runs srun -N3 -n3 -K1 echo-client s0:7001 -c 12 -s 64 -P 8 --requests 1M \
        --share auto --start-at "$(soon 2)" '--json=r.{rank}.json'
    server_off
    merges
    check "messages" "$here/check.py" total merged.json counters.messages 1000000
}
