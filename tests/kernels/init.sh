#!/bin/busybox sh
# The first program in a virtual machine: makes the host's files its root, and starts guest.py.
# usage: init.sh GUEST.PY ARGUMENTS... ; in the environment: covers, folders to be hidden, and trees, those to be kept
PATH=/bin
/bin/busybox --install -s /bin
set -e
for module in /modules/*; do
	insmod "$module"
done
# What the kernel has read it keeps: the host's files do not change meanwhile.
mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,cache=loose,ro host /host
mount -t proc proc /host/proc
mount -t sysfs sysfs /host/sys
mount -t devtmpfs devtmpfs /host/dev
mkdir -p /host/dev/pts /host/dev/shm
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /host/dev/pts
mount -t tmpfs -o mode=1777 tmpfs /host/dev/shm
mount -t tmpfs -o mode=755 tmpfs /host/run
mount -t tmpfs -o mode=1777 tmpfs /host/var/tmp
for tree in $trees; do
	mkdir -p "/kept$tree"
	mount -o bind "/host$tree" "/kept$tree"
done
for cover in $covers; do
	mount -t tmpfs -o mode=1777 tmpfs "/host$cover"
done
for tree in $trees; do
	mkdir -p "/host$tree"
	mount -o bind "/kept$tree" "/host$tree"
done
ifconfig lo up
exec switch_root /host /usr/bin/python3 "$@"
