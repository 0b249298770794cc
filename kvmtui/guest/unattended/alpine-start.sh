#!/bin/sh
# Alpine's live system runs this: it installs itself by the answers, then restarts.
# Every value is put in as one word of the shell.
exec >/dev/console 2>&1
set -e
export ERASE_DISKS={{ disk }}
setup-alpine -e -f /etc/kvmtui-answers
root=$(blkid -o device -t TYPE=ext4 {{ disk }}* | tail -n 1)
mount -t ext4 "$root" /mnt
mkdir -p {{ '/mnt' ~ home ~ '/.ssh' }}
{% for key in keys %}
printf '%s\n' {{ key }} >> {{ '/mnt' ~ home ~ '/.ssh/authorized_keys' }}
{% endfor %}
chmod 0700 {{ '/mnt' ~ home ~ '/.ssh' }}
chroot /mnt chown -R {{ user }} {{ home ~ '/.ssh' }}
{% if password %}
printf '%s:%s\n' {{ user }} {{ password }} | chroot /mnt chpasswd -e
{% endif %}
{% if packages %}
cp /etc/resolv.conf /mnt/etc/resolv.conf 2>/dev/null || true
chroot /mnt apk add{% for package in packages %} {{ package }}{% endfor %}

{% endif %}
{% for command in run %}
chroot /mnt sh -c {{ command }}
{% endfor %}
umount /mnt
reboot
