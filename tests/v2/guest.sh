#!/bin/sh
# guest.sh - in the guest, in the host's root: the tests that /tmp/what names, for as
# many seconds as /tmp/seconds says at most; then the end of the machine.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/mnt/mesh/tests/v2
busybox ip link set lo up
chmod 1777 /tmp
cd /mnt/mesh || busybox poweroff -f
up() { cut -d' ' -f1 /proc/uptime; }
echo "v2: up after $(up) s, $(uname -r), $(systemctl --version | head -n 1), controllers: $(cat /sys/fs/cgroup/cgroup.controllers)"
eval "set -- $(cat /tmp/what)"
timeout "$(cat /tmp/seconds)" /usr/bin/python3 -B -m pytest -p no:cacheprovider -p told --color=no \
    --durations=10 --durations-min=10 -v --tb=short "$@" </dev/null
echo "v2: exit $? after $(up) s"
busybox poweroff -f
