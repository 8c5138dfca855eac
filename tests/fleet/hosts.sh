# The hosts of the fleet: s0, where this runs, and n1 to n4. Each has network and UTS namespaces of
# its own. They share the files, as the hosts of a cluster share a file system. The caller is the
# first process of new mount, network, UTS and PID namespaces, so all of it ends with the caller.
# shellcheck shell=bash disable=SC2154

# Addresses for documentation (RFC 5737). Nothing leaves these namespaces anyway.
network=198.51.100
nodes=(n1 n2 n3 n4)
declare -A holder # the process that keeps the namespaces of a host

# on HOST COMMAND...: runs it there.
on() {
    local host=$1
    shift
    nsenter --net --uts --target "${holder[$host]}" -- "$@"
}

# over FILE: puts what it reads in the place of FILE, for this fleet alone.
over() {
    local own=$scratch/etc/${1//\//_}
    cat >"$own"
    [ -e "$1" ] || die "$1 is missing, so that the fleet's own can't be put in its place"
    mount --bind "$own" "$1"
}

# over_folder FOLDER: puts an empty folder in its place.
over_folder() {
    local own=$scratch/etc/${1//\//_}
    mkdir "$own"
    mount --bind "$own" "$1"
}

host_up() {
    local host=$1 number=${1#n}
    unshare --net --uts sh -c "hostname $host && exec sleep infinity" &
    holder[$host]=$!
    disown
    eventually 10 'its namespaces' is_named "$host"
    ip link add "to-$host" master lan type veth peer name eth0 netns "${holder[$host]}"
    ip link set "to-$host" up
    on "$host" ip link set lo up
    on "$host" ip address add "$network.$number/24" dev eth0
    on "$host" ip link set eth0 up
}

is_named() {
    [ "$(on "$1" hostname 2>/dev/null)" = "$1" ]
}

# slow_link HOST: 20 Mbit/s in each direction.
slow_link() {
    tc qdisc add dev "to-$1" root tbf rate 20mbit burst 1600 latency 200ms
    on "$1" tc qdisc add dev eth0 root tbf rate 20mbit burst 1600 latency 200ms
}

hosts_up() {
    mount -t tmpfs tmpfs /run
    hostname s0
    mkdir -p "$scratch/etc"
    over /etc/hosts <<END
127.0.0.1 localhost
$network.10 s0 echo-server
$network.1 n1 echo-fleet-0.echo-fleet
$network.2 n2
$network.3 n3
$network.4 n4
END
    ip link set lo up
    ip link add lan type bridge
    ip address add "$network.10/24" dev lan
    ip link set lan up
    for host in "${nodes[@]}"; do
        host_up "$host"
    done
    slow_link n4
    eventually 10 'an answer from every host' reachable
}

# A bridge forwards after some moments. A refusal is an answer.
reachable() {
    local host
    for host in "${nodes[@]}"; do
        [[ $(on "$host" bash -c ': 3<>/dev/tcp/s0/9' 2>&1) = *refused* ]] || return 1
    done
}
