#!/usr/bin/env bash
# A real Slurm of one node for the tests, from Debian's packages: as root, in a container, without systemd.
#   single_node.sh install         install the packages
#   single_node.sh start FOLDER    start it; all its files are in FOLDER; stdout is the line to eval in a shell
#   single_node.sh stop FOLDER     cancel its jobs and stop the daemons that `start` started
set -euo pipefail

PATH=$PATH:/usr/sbin:/sbin # where the daemons are
DAEMONS=(slurmd slurmctld munged) # in the order of stopping

fail() {
    echo "error: $*" >&2
    exit 1
}

# alive PID: whether this is a daemon of ours. Its command line must have the folder, because a pid file may be left over from
# a killed container. (kill -0 is not enough: if nobody reaps orphans, it takes a dead daemon for a living one.)
alive() {
    tr '\0' '\n' 2>/dev/null <"/proc/$1/cmdline" | grep -qF -- "$folder/"
} 2>/dev/null

# running DAEMON: its process id.
running() {
    local pid
    pid=$(cat "$folder/$1.pid" 2>/dev/null) && [[ -n $pid ]] && alive "$pid" && echo "$pid"
}

gone() {
    ! alive "$1"
}

# until_true SECONDS COMMAND...
until_true() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < end)) || return
        sleep 0.2
    done
}

# free_port FIRST: the first port from FIRST on that nobody listens on, so that a cluster in another folder disturbs nothing.
free_port() {
    local port=$1
    while (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
    echo "$port"
}

write_conf() {
    local name memory controller
    name=$(uname -n)
    name=${name%%.*}
    memory=$(awk '/^MemTotal:/ {print int($2 / 1024)}' /proc/meminfo)
    controller=$(free_port 6817)
    # FirstJobId: the state is cleared at each start, but the numbers must not repeat: users name files by them.
    # KillWait: submitit's jobs ignore SIGTERM. config_overrides: a container may see fewer cores than slurmd finds.
    cat >"$folder/slurm.conf" <<CONF
ClusterName=single
SlurmctldHost=$name(127.0.0.1)
SlurmctldPort=$controller
SlurmdPort=$(free_port $((controller + 1)))
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket
SlurmUser=root
SlurmdUser=root
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
EnforcePartLimits=ALL
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=$((memory / $(nproc)))
MpiDefault=none
MailProg=/bin/true
ReturnToService=2
KillWait=2
FirstJobId=$(($(date +%s) % 60000000 + 1))
NodeName=$name NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=$memory State=UNKNOWN
PartitionName=main Nodes=$name Default=YES MaxTime=INFINITE State=UP
CONF
}

works() {
    timeout 10 srun --quiet --immediate=5 --time=1 true 2>>"$folder/srun.log"
}

all_running() {
    local daemon
    for daemon in "${DAEMONS[@]}"; do running "$daemon" >/dev/null || return; done
}

idle() {
    [[ -z $(timeout 10 squeue --noheader 2>/dev/null) ]]
}

install() {
    apt-get update --quiet
    DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends slurmctld slurmd slurm-client munge
}

start() {
    if all_running && works; then
        echo "already running in $folder" >&2
    else
        stop
        launch
    fi
    echo "export SLURM_CONF=$folder/slurm.conf"
}

# The daemons get /dev/null for stdout and stderr: they outlive this script, and its caller may wait for the end of a pipe.
launch() {
    local daemon
    for daemon in munged slurmctld slurmd srun; do
        command -v "$daemon" >/dev/null || fail "$daemon is not installed: run '$0 install'"
    done
    rm -rf "$folder/state" # but not the spool: by it slurmd finds, and ends, what outlived a killed daemon
    rm -f "$folder"/{munged,slurmctld,slurmd,srun}.log "$folder/munge.key"
    mkdir -p "$folder/state" "$folder/spool"
    write_conf
    (umask 077 && head -c 128 /dev/urandom >"$folder/munge.key")
    # --force: munged wants a socket that every user can reach and a log that no other user can; here there is one user.
    munged --force --socket="$folder/munge.socket" --key-file="$folder/munge.key" --pid-file="$folder/munged.pid" \
        --log-file="$folder/munged.log" --seed-file="$folder/munged.seed" >/dev/null 2>&1 || failed munged
    slurmctld -c -f "$SLURM_CONF" >/dev/null 2>&1 || failed slurmctld # -c: nothing from an earlier life
    slurmd -f "$SLURM_CONF" >/dev/null 2>&1 || failed slurmd
    until_true 60 works || failed "a first job"
}

failed() {
    tail -n 15 "$folder"/{munged,slurmctld,slurmd,srun}.log >&2 2>/dev/null || true
    timeout 10 sinfo --list-reasons >&2 || true # why the node is not used, if Slurm says
    stop
    fail "$1 did not work; the last lines of the logs in $folder are above"
}

stop() {
    local daemon pid
    if running slurmctld >/dev/null && running munged >/dev/null; then
        timeout 10 squeue --noheader --format=%A 2>/dev/null | timeout 10 xargs -r scancel 2>/dev/null || true
        until_true 20 idle || echo "warning: jobs are still running" >&2
    fi
    for daemon in "${DAEMONS[@]}"; do
        pid=$(running "$daemon") || continue
        kill "$pid" 2>/dev/null || continue
        until_true 20 gone "$pid" || fail "$daemon (process $pid) does not end"
    done
}

case "${1-}:$#" in
install:1 | start:2 | stop:2) ;;
*) fail "usage: $0 install | start FOLDER | stop FOLDER" ;;
esac
((EUID == 0)) || fail "Slurm's daemons and apt-get need root"
if [[ $1 != install ]]; then
    folder=$(realpath -m -- "$2") # the daemons refuse relative paths
    [[ $folder != *[[:space:]\#,=]* ]] || fail "slurm.conf cannot hold the path $folder: no blanks, #, commas or ="
    ((${#folder} < 90)) || fail "the path $folder is too long for a socket: at most 89 characters"
    unset "${!SLURM_@}" "${!SRUN_@}" "${!SBATCH_@}" # of a job that this may be called from
    export SLURM_CONF=$folder/slurm.conf
    if [[ $1 = stop && ! -d $folder ]]; then fail "there is no folder $folder"; fi
fi
"$1"
