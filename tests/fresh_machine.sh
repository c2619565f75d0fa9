#!/bin/sh
# A machine that has never seen this project: does what the README promises hold there?
#
#   tests/fresh_machine.sh [--keep] [--only user|root] [DIRECTORY]
#
# Run by hand, as root, on Debian with `debootstrap` and `git`; 10 to 40 minutes, no part of bin/test. It
#   1. builds a bare Debian 12 in DIRECTORY (default: a new one under /var/tmp): python3, python3-venv, python3-pip, no more;
#   2. clones the commit that is checked out here into it, once for an ordinary user and once for root;
#   3. runs `bin/demo --once --json` and `bin/test` there: first as the user (who can install nothing), then as root;
#   4. checks the demo's figures, and that neither command left a process or a temporary file behind.
# It prints one line per check and ends with 1 if any failed. The machine is removed at the end unless --keep is given; a
# DIRECTORY that already holds one is used again.
#
# How this machine reaches Debian's mirror and Python's index (apt, pip, certificates, name service) is copied into the new one
# while the script runs; nothing of it is in the repository. Everything runs in mount and process namespaces of its own: what is
# mounted is gone, and what was started has ended, when the script ends, however it ends.
set -eu

checkout=$(cd "$(dirname "$0")/.." && pwd)
keep='' only='' machine=''
while [ $# -gt 0 ]; do
    case $1 in
        --keep) keep=1 ;;
        --only) only=$2; shift ;;
        --inside) shift; machine=$1; inside=1 ;;
        *) machine=$1 ;;
    esac
    shift
done

say() { printf '%s\n' "$*" >&2; }

# --- 1 and 2: outside --------------------------------------------------------------------------------------------------------

build() {
    mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
        sed -nE 's/^(URIs:|deb(-src)?( \[[^]]*\])?) +([^ ]+\/debian)\/?( .*)?$/\4/p' | head -n 1)
    [ -n "$mirror" ] || { say 'No Debian mirror found in /etc/apt: add one there.'; exit 2; }
    say "Building a bare Debian 12 in $machine"
    debootstrap --variant=minbase --include=python3,python3-venv,python3-pip,ca-certificates \
        bookworm "$machine" "$mirror" >"$machine.log" 2>&1 || { tail -n 20 "$machine.log" >&2; exit 2; }
    rm -f "$machine.log"
    chroot "$machine" useradd --create-home --shell /bin/sh dev
    chmod 0700 "$machine/home/dev" "$machine/root"
    : >"$machine/.fresh-machine"
}

copy_access() { # the ways to the registries, and nothing else
    rm -rf "$machine/etc/apt"
    for path in /etc/apt /usr/share/keyrings /etc/pip.conf /etc/ssl/certs /usr/local/share/ca-certificates /etc/resolv.conf /etc/hosts; do
        [ ! -e "$path" ] || { mkdir -p "$machine$(dirname "$path")" && cp -aLT "$path" "$machine$path" 2>/dev/null || true; }
    done
    for home in /root /home/dev; do
        [ ! -d "$HOME/.config/pip" ] || { mkdir -p "$machine$home/.config" && cp -rT "$HOME/.config/pip" "$machine$home/.config/pip"; }
    done
    for path in ${PIP_FIND_LINKS:-}; do mkdir -p "$machine$path"; done
}

clone() {
    for home in /root /home/dev; do
        rm -rf "$machine$home/project"
        git clone --quiet --no-hardlinks "$checkout" "$machine$home/project"
    done
    chroot "$machine" chown -R dev:dev /home/dev
}

# --- 3 and 4: inside the namespaces ------------------------------------------------------------------------------------------

mounts() {
    mount --make-rprivate /
    mount -t proc proc "$machine/proc"
    mount -t tmpfs -o mode=755 tmpfs "$machine/dev"
    for node in null zero full random urandom tty; do
        : >"$machine/dev/$node"
        mount --bind "/dev/$node" "$machine/dev/$node"
    done
    mkdir "$machine/dev/shm" "$machine/dev/pts"
    mount -t tmpfs -o mode=1777 tmpfs "$machine/dev/shm"
    mount -t devpts -o newinstance,ptmxmode=0666 devpts "$machine/dev/pts"
    ln -s pts/ptmx "$machine/dev/ptmx"
    ln -s /proc/self/fd "$machine/dev/fd"
}

as() { # as USER COMMAND: in the new machine, with an environment of its own
    user=$1 home=/root
    [ "$user" = root ] || home=/home/$user
    env -i HOME="$home" USER="$user" LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        $(env | grep -E '^(PIP|SSL|CURL|REQUESTS)_[A-Z_]*=[^ ]*$') \
        chroot "$machine" setpriv --reuid "$user" --regid "$user" --init-groups sh -c "cd ~/project && $2"
}

failed=0
check() { # check NAME COMMAND…
    name=$1
    shift
    if "$@"; then say "ok      $name"; else say "FAILED  $name"; failed=1; fi
}

figures() { # the bars for the report of bin/demo; it is the last line of its output
    chroot "$machine" python3 - "$1" <<'PYTHON'
import json, sys
report = json.loads(open(sys.argv[1]).read().strip().splitlines()[-1])
settled = report["succeeded"] + report["failed_permanent"] + report["dead_lettered"]
wrong = [name for name, holds in {
    "lost is 0": report["lost"] == 0,
    "duplicate_effects is 0": report["duplicate_effects"] == 0,
    "enqueued is what was settled": report["enqueued"] == settled,
    "something was enqueued": report["enqueued"] > 0,
    "a worker was killed": report["worker_kills"] >= 1,
    "something was retried": report["retries"] >= 1,
}.items() if not holds]
print(json.dumps(report))
sys.exit("not so: " + ", ".join(wrong) if wrong else 0)
PYTHON
}

left_behind() { # left_behind USER: processes of the new machine that are not ours, and temporary files
    found=''
    for process in /proc/[0-9]*; do
        [ "$(readlink "$process/root" 2>/dev/null)" != "$machine" ] || found="$found $(tr '\0' ' ' <"$process/cmdline" | cut -c 1-60);"
    done
    found="$found$(cd "$machine" && find tmp var/tmp dev/shm -mindepth 1 -maxdepth 1)"
    (cd "$machine" && rm -rf tmp/* var/tmp/* dev/shm/*)
    [ -z "$found" ] || say "left behind: $found"
    [ -z "$found" ]
}

under() { [ "$1" -lt "$2" ]; }

try() { # try USER
    user=$1
    started=$(date +%s)
    check "bin/demo as $user" as "$user" 'bin/demo --once --json >/tmp/report 2>/tmp/demo.log || { tail -n 30 /tmp/demo.log; exit 1; }'
    seconds=$(($(date +%s) - started))
    check "bin/demo as $user: first run in under 120 s ($seconds s)" under "$seconds" 120
    check "bin/demo as $user: its figures" figures /tmp/report
    rm -f "$machine/tmp/report" "$machine/tmp/demo.log"
    check "bin/demo as $user: nothing left behind" left_behind "$user"
    started=$(date +%s)
    check "bin/test as $user" as "$user" 'bin/test >/var/log/test.log 2>&1'
    tail -n 25 "$machine/var/log/test.log" >&2
    check "bin/test as $user: under 25 minutes ($(($(date +%s) - started)) s)" under $(($(date +%s) - started)) 1500
    check "bin/test as $user: nothing left behind" left_behind "$user"
}

if [ -n "${inside:-}" ]; then
    mounts
    for user in dev root; do
        case $only in '' | root) ;; user) [ "$user" = dev ] || continue ;; esac
        [ "$only" != root ] || [ "$user" = root ] || continue
        : >"$machine/var/log/test.log"
        chmod 0666 "$machine/var/log/test.log"
        try "$user"
    done
    exit "$failed"
fi

[ "$(id -u)" = 0 ] || { say 'This builds a machine of its own: run it as root.'; exit 2; }
command -v debootstrap >/dev/null || { say 'debootstrap is missing: apt-get install debootstrap'; exit 2; }
[ -n "$machine" ] || machine=$(mktemp -d /var/tmp/fresh-machine.XXXXXX)
mkdir -p "$machine"
chmod 0755 "$machine" # it becomes a root directory
machine=$(cd "$machine" && pwd -P)
status=0
trap '[ -n "$keep" ] || rm -rf --one-file-system "$machine"' EXIT
trap 'exit 130' INT TERM HUP
[ -e "$machine/.fresh-machine" ] || build
copy_access
clone
unshare --mount --pid --fork --kill-child --mount-proc sh "$0" ${only:+--only "$only"} --inside "$machine" || status=$?
[ "$status" = 0 ] && say 'A fresh machine does what the README promises.' || say 'A fresh machine does not: see above.'
exit "$status"
