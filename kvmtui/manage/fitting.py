"""Whether what a definition names goes together: media, firmware, networks, own arguments.

The same is said while a form is filled in and when a guest is created.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from kvmtui.errors import HostError, KvmtuiError
from kvmtui.guest.definition import Definition
from kvmtui.guest.library import Library
from kvmtui.host import networks, resources
from kvmtui.manage import hosting, media_fit
from kvmtui.manage.recognising import Recogniser
from kvmtui.qemu.capabilities import Capabilities
from kvmtui.text import visible

Fault = tuple[str, str]
"""The path of a key, and what is wrong with it."""


def faults(library: Library, definition: Definition) -> list[str]:
    """All that does not go together, one ``path: text`` each."""
    found = [*_media_faults(library, definition), *network_faults(definition)]
    if definition.qemu_args:
        try:
            capabilities = hosting.capabilities_for(library, definition.arch)
        except (HostError, OSError):
            pass
        else:
            found += device_faults(definition, capabilities)
    return [f"{path}: {words}" for path, words in found]


def _media_faults(library: Library, definition: Definition) -> Iterator[Fault]:
    """What is wrong with the medium that it boots first."""
    files = [drive.file for drive in definition.cdroms if drive.file]
    if not files or not os.path.isabs(files[0]) or definition.kernel is not None:
        return
    try:
        medium = Recogniser(library).look(files[0])
    except (KvmtuiError, OSError):
        return
    if medium is None:
        return
    for words in media_fit.arch_faults(medium, definition.arch):
        yield "cdroms[0]", words
    for words in media_fit.boot_faults(medium, definition.arch, definition.boot_firmware()):
        yield "firmware", words


def network_faults(definition: Definition) -> Iterator[Fault]:
    """What is wrong with bridges that are there."""
    for index, network in enumerate(definition.networks):
        name = network.bridge
        if name is not None and resources.interface_exists(name) and not networks.is_bridge(name):
            yield f"networks[{index}]", f"{name} is no bridge"


def device_faults(definition: Definition, capabilities: Capabilities) -> Iterator[Fault]:
    """The devices among a person's own arguments that this QEMU does not have."""
    words = list(definition.qemu_args)
    for option, value in zip(words, words[1:], strict=False):
        driver = value.partition(",")[0]
        if option != "-device" or driver.startswith("{") or driver in capabilities.devices:
            continue
        import difflib

        told = f"QEMU {capabilities.version_text} has no {visible(driver, limit=40)}"
        close = difflib.get_close_matches(driver, capabilities.devices, n=1)
        yield "qemu_args", told + (f"; did you mean {close[0]}?" if close else "")
