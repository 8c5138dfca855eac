# OpenSSH on the hosts of the fleet: an sshd on each of n1 to n4, which s0 can log in to.
# shellcheck shell=bash disable=SC2154

ssh_up() {
    local host
    [ ! -e /run/sshd ] || return 0 # they are up
    mkdir /run/sshd
    over_folder /etc/ssh
    [ ! -d ~/.ssh ] || over_folder ~/.ssh # what the user has set is not part of this
    ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/host_key
    ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/key
    sed 's/^/* /' /etc/ssh/host_key.pub >/etc/ssh/known_hosts
    cat >/etc/ssh/sshd_config <<END
HostKey /etc/ssh/host_key
AuthorizedKeysFile /etc/ssh/key.pub
PermitRootLogin prohibit-password
MaxStartups 100
SetEnv PATH=$PATH
END
    cat >/etc/ssh/ssh_config <<END
IdentityFile /etc/ssh/key
GlobalKnownHostsFile /etc/ssh/known_hosts
BatchMode yes
END
    for host in "${nodes[@]}"; do
        on "$host" "$(command -v sshd)" -D -E "$scratch/sshd.$host.log" &
        eventually 10 "an answer of sshd on $host" ssh -n "$host" true 2>>"$scratch/ssh.log"
    done
}

part_ssh() {
    ssh_up
    documented 'ssh in a loop'
}
