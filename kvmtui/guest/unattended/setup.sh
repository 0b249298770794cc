#!/bin/sh
# The last step of an installation by AutoYaST or Agama, inside the new system.
# Every value is put in as one word of the shell.
home=$(getent passwd {{ user }} | cut -d: -f6)
mkdir -p "$home/.ssh"
chmod 0700 "$home/.ssh"
: > "$home/.ssh/authorized_keys"
{% for key in keys %}
printf '%s\n' {{ key }} >> "$home/.ssh/authorized_keys"
{% endfor %}
chmod 0600 "$home/.ssh/authorized_keys"
chown -R {{ user }}: "$home/.ssh"
{% if not is_root and not password %}
printf '%s ALL=(ALL) NOPASSWD:ALL\n' {{ user }} > /etc/sudoers.d/90-kvmtui
chmod 0440 /etc/sudoers.d/90-kvmtui
{% endif %}
systemctl enable sshd
{% for command in run %}
sh -c {{ command }}
{% endfor %}
