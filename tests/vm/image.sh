#!/usr/bin/env bash
# Builds the disk of a Debian with systemd as init and everything that Kazashi's packages depend on.
#
#   tests/vm/image.sh SUITE FOLDER     FOLDER gets disk.img, vmlinuz, initrd; needs root
#
# What is tested is not in it: that comes on a second disk, which is mounted at /material, and
# kazashi-scenarios.service runs what lies there. So the image is built once for a list of packages.
set -euo pipefail
suite=$1 folder=$2

PACKAGES=(
  linux-image-amd64 systemd-sysv udev dbus kmod iproute2 procps
  python3 python3-pyscard pcscd libccid polkitd vsmartcard-vpcd # the card, and who may use it
  v4l-utils alsa-utils                                          # the camera, the voice
)

mkdir -p "$folder"
root=$(mktemp -d "$folder/root.XXXXXX")
trap 'rm -rf "$root"' EXIT
include=$(IFS=, && echo "${PACKAGES[*]}")
mmdebstrap --quiet --variant=minbase --include="$include" "$suite" "$root"

echo "/dev/vda / ext4 defaults 0 1" >"$root/etc/fstab"
echo "/dev/vdb /material ext4 ro 0 0" >>"$root/etc/fstab"
mkdir "$root/material"
echo kazashi-test >"$root/etc/hostname"
cat >"$root/etc/systemd/system/kazashi-scenarios.service" <<'UNIT'
[Unit]
Description=What this machine is asked
After=multi-user.target
[Service]
Type=oneshot
# Lines for the judge outside; whatever else is said goes to the journal.
StandardOutput=file:/dev/ttyS1
ExecStartPre=stty -F /dev/ttyS1 raw -echo
ExecStart=python3 -u /material/inside
ExecStopPost=systemctl --no-block poweroff
[Install]
WantedBy=multi-user.target
UNIT
mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
ln -s ../kazashi-scenarios.service "$root/etc/systemd/system/multi-user.target.wants/"

cp -L "$root/vmlinuz" "$root/initrd.img" "$folder/"
mke2fs -q -t ext4 -d "$root" "$folder/disk.partial" 4G
mv "$folder/disk.partial" "$folder/disk.img" # last: it says that all is done
