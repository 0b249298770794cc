"""Checks of the user, the session and what guards the system: logout, terminal, root."""

from __future__ import annotations

from kvmtui.host.checks import Finding, check, ok, warn
from kvmtui.host.facts import Facts, is_there, read_or
from kvmtui.host.remedies import (
    Remedy,
    add_system_user,
    join_group,
    linger,
    system_of,
)

_LINGER = "/var/lib/systemd/linger"
_SYSTEMD = "/run/systemd/system"
_SYSTEM_USER = "kvmtui"
_BUS = ("org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager")


@check("run-as", "The user that QEMU runs as", reads="the home's owner, /etc/passwd")
def run_as(facts: Facts) -> Finding:
    """A guest that breaks out of QEMU has the rights of QEMU's user. Started by root, QEMU
    is executed as the home's owner: the system user kvmtui, where that user exists when the
    home is made. Without it QEMU is root."""
    person = facts.person()
    if person.uid != 0:
        return ok(person.name, user=person.name)
    system = system_of(facts)
    home = facts.asked.home
    users = [line.partition(":")[0] for line in facts.read("/etc/passwd").splitlines()]
    if _SYSTEM_USER not in users:
        new = add_system_user(system, _SYSTEM_USER)
        join = join_group(system, _SYSTEM_USER, logs_in=False)
        owner = f" && chown -R {_SYSTEM_USER}: {home}" if is_there(facts, home) else ""
        told = f"root: there is no system user {_SYSTEM_USER}"
        text = f"{new.text} && {join.text}{owner}"
        return warn(told, Remedy(text, new.steps + join.steps), user="root")
    if is_there(facts, home):
        remedy = f"shut down its guests, then: chown -R {_SYSTEM_USER}: {home}"
        return warn(f"root: {home} belongs to root", remedy, user="root")
    return ok(f"{_SYSTEM_USER}, once the home is made", user=_SYSTEM_USER)


@check("logout", "Guests after a logout", reads=f"{_LINGER}, busctl KillUserProcesses")
def logout(facts: Facts) -> Finding:
    """Where systemd runs, a plain user's guest gets a unit of its own in that user's manager,
    which ends after the last session unless the user lingers. For one who does not linger
    it therefore stays in the session, and outlives the logout only while logind's
    KillUserProcesses is no. Lingering settles it, and starts units of the user with the
    host."""
    person = facts.person()
    if person.uid == 0 or facts.asked.run_as is not None:
        return ok("guests that root starts are in units of the system")
    if not is_there(facts, _SYSTEMD):
        return ok("no systemd here: nothing ends guests at a logout")
    lingers = is_there(facts, f"{_LINGER}/{person.name}")
    kills = _kills(facts)
    measured = {"lingers": lingers, "kill_user_processes": kills}
    if facts.asked.home.startswith("/run/user/"):
        told = f"{facts.asked.home} is gone after the last logout"
        return warn(told, "choose another place: kvmtui --home DIR", **measured)
    if lingers:
        return ok(f"{person.name} lingers: guests go on", **measured)
    what = "outlive it only while KillUserProcesses is no"
    if kills is not False:
        what = "end with it" if kills else "may end with it"
    told = f"{person.name} does not linger: guests stay in the session and {what}"
    return warn(told, linger(system_of(facts), person.name), **measured)


def _kills(facts: Facts) -> bool | None:
    """logind's KillUserProcesses; None where it does not say."""
    try:
        told = facts.run("busctl", "get-property", *_BUS, "KillUserProcesses")
    except OSError:
        return None
    return {"b true": True, "b false": False}.get(told.text)


@check("lsm", "Security modules", reads="/sys/kernel/security/lsm, /sys/fs/selinux, AppArmor")
def lsm(facts: Facts) -> Finding:
    """SELinux lets a QEMU that was started from a shell do what its user may; one of a system
    unit reads only what has the right label. AppArmor on newer Ubuntu forbids plain users
    the namespaces that QEMU's helpers lock themselves in. The profiles that libvirt brings do
    not cover guests of kvmtui: those have QEMU's own sandbox."""
    modules = [name for name in read_or(facts, "/sys/kernel/security/lsm").split(",") if name]
    enforcing = read_or(facts, "/sys/fs/selinux/enforce") == "1"
    path = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns"
    restricted = read_or(facts, path) == "1"
    measured = {"modules": modules, "selinux_enforces": enforcing, "userns_restricted": restricted}
    parts = []
    if enforcing:
        command = f"{system_of(facts).sudo}restorecon -Rv {facts.asked.home}"
        parts.append(f"SELinux enforces, not on guests of a shell; for a system unit's: {command}")
    if restricted:
        parts.append("AppArmor keeps plain users from namespaces (passt and virtiofsd need them)")
    return ok("; ".join(parts) or f"{', '.join(modules) or 'none'}: nothing in the way", **measured)


@check("terminal", "Terminal", reads="TERM, COLORTERM, LC_ALL, LC_CTYPE, LANG")
def terminal(facts: Facts) -> Finding:
    """The text interface draws with characters beyond ASCII, which a terminal shows where the
    locale is UTF-8; else it draws with ASCII. Verbs on the command line need neither."""
    term = facts.environment("TERM")
    names = ("LC_ALL", "LC_CTYPE", "LANG")
    locale = next((value for name in names if (value := facts.environment(name))), "")
    colours = facts.environment("COLORTERM")
    measured = {"term": term, "locale": locale, "colours": colours}
    if term in ("", "dumb"):
        return ok("none that text can be placed on: the command line works", **measured)
    if "utf" not in locale.lower():
        remedy = "export LANG=C.UTF-8 (locale -a lists others), here and in ~/.profile"
        return warn(
            f"{term}, but the locale is no UTF-8 ({locale or 'not set'})", remedy, **measured
        )
    return ok(f"{term}, {locale}", **measured)
