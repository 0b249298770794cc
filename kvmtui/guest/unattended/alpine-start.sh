#!/bin/sh
# Alpine's live system runs this: it installs itself by the answers, then restarts.
# Every value is put in as one word of the shell.
exec >/dev/console 2>&1
set -e
export ERASE_DISKS={{ disk }}
{% if serial %}
export KERNELOPTS={{ 'quiet ' ~ consoles }}
{% endif %}
setup-alpine -e -f /etc/kvmtui-answers
for part in {{ disk }}?*; do
    mount -t ext4 "$part" /mnt 2>/dev/null || continue
    [ -d /mnt/etc/apk ] && break
    umount /mnt
done
[ -d /mnt/etc/apk ]
for folder in dev proc sys; do
    mount -o bind "/$folder" "/mnt/$folder"
done
mkdir -p {{ '/mnt' ~ home ~ '/.ssh' }}
{% for key in keys %}
printf '%s\n' {{ key }} >> {{ '/mnt' ~ home ~ '/.ssh/authorized_keys' }}
{% endfor %}
chmod 0700 {{ '/mnt' ~ home ~ '/.ssh' }}
chroot /mnt chown -R {{ user }} {{ home ~ '/.ssh' }}
# A * lets nobody in by password, but, other than a !, does not keep a key out.
{% if not is_root %}
printf 'root:*\n' | chroot /mnt chpasswd -e
{% endif %}
printf '%s:%s\n' {{ user }} {{ password or '*' }} | chroot /mnt chpasswd -e
{% if not is_root and not password %}
mkdir -p /mnt/etc/doas.d
printf 'permit nopass %s\n' {{ user }} > /mnt/etc/doas.d/90-kvmtui.conf
{% endif %}
{% if serial %}
grep -q {{ '^' ~ serial_port ~ ':' }} /mnt/etc/inittab ||
    printf '%s::respawn:/sbin/getty -L 0 %s vt100\n' {{ serial_port }} {{ serial_port }} >> /mnt/etc/inittab
{% endif %}
{% if usual_packages or packages or run %}
cp /etc/resolv.conf /mnt/etc/resolv.conf 2>/dev/null || true
{% endif %}
{% if usual_packages %}
chroot /mnt apk add{% for package in usual_packages %} {{ package }}{% endfor %} && chroot /mnt rc-update add qemu-guest-agent || true
{% endif %}
{% if packages %}
chroot /mnt apk add{% for package in packages %} {{ package }}{% endfor %}

{% endif %}
{% for command in run %}
chroot /mnt sh -c {{ command }}
{% endfor %}
umount /mnt/dev /mnt/proc /mnt/sys /mnt
reboot
