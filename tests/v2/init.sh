#!/bin/busybox sh
# init.sh - pid 1 of the guest's initramfs: modules, the host's root read-only, cgroup2
# and no other cgroups; then systemd in it, with one service to run: guest.sh.
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev
export PATH=/bin
for m in $(busybox cat /modules); do
	busybox insmod "/mod/$m.ko" || echo "v2: cannot load $m"
done
over9p() { # TAG WHERE
	busybox mount -t 9p -o ro,trans=virtio,version=9p2000.L,cache=loose,msize=262144 "$1" "$2"
}
over9p root /root || exec busybox poweroff -f
busybox mount -t ext4 /dev/vda /root/tmp
for d in proc sys dev; do
	busybox mount -o move "/$d" "/root/$d"
done
busybox mount -t tmpfs -o mode=755 run /root/run
busybox mount -t tmpfs -o mode=755 mnt /root/mnt
busybox mkdir -p /root/mnt/mesh /root/dev/pts /root/dev/shm /root/run/systemd/system
busybox mount -t devpts devpts /root/dev/pts
busybox mount -t tmpfs shm /root/dev/shm
busybox mount -t cgroup2 cgroup2 /root/sys/fs/cgroup
over9p mesh /root/mnt/mesh
busybox cp /root/mnt/mesh/tests/v2/mesh-v2.service /root/run/systemd/system/
exec busybox switch_root /root /lib/systemd/systemd --unit=mesh-v2.service --log-level=err
