#!/bin/sh
# Debian's installer runs this at its end; the new system is below /target.
# Every value is put in as one word of the shell.
set -e
home=$(in-target getent passwd {{ user }} | cut -d: -f6)
mkdir -p "/target$home/.ssh"
chmod 0700 "/target$home/.ssh"
: > "/target$home/.ssh/authorized_keys"
{% for key in keys %}
printf '%s\n' {{ key }} >> "/target$home/.ssh/authorized_keys"
{% endfor %}
chmod 0600 "/target$home/.ssh/authorized_keys"
in-target chown -R {{ user }}: "$home/.ssh"
{% if not is_root and not password %}
printf '%s ALL=(ALL) NOPASSWD:ALL\n' {{ user }} > /target/etc/sudoers.d/90-kvmtui
chmod 0440 /target/etc/sudoers.d/90-kvmtui
{% endif %}
{% for command in run %}
in-target sh -c {{ command }}
{% endfor %}
