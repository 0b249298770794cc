"""kvmtui's own catalogue: every address can be filled in, every system has its profile."""

from __future__ import annotations

import pytest

from kvmtui.guest.catalog import Catalog
from kvmtui.guest.profile_files import Profiles

OWN = Catalog()


@pytest.mark.parametrize("image", OWN.images.values(), ids=OWN.images)
def test_an_image_has_its_addresses_and_its_profile(image):
    profile = Profiles().find(image.os)
    assert profile is not None and profile.id == image.os and profile.cloud_init
    assert set(image.arch) <= set(profile.arch)
    for arch in image.arch:
        source = OWN.source(image, arch)
        for url in (source.url, source.checksums, source.signature):
            assert "{" not in url and (not url or url.startswith("https://"))
        assert source.file and "/" not in source.file
    if image.signature is not None:
        assert image.signature.keyrings


def test_one_word_may_stand_for_folder_and_file():
    source = OWN.source(OWN.find("freebsd-15.1"), "aarch64")
    begins = "https://download.freebsd.org/releases/VM-IMAGES/15.1-RELEASE/aarch64/Latest"
    assert source.file == "FreeBSD-15.1-RELEASE-arm64-aarch64-BASIC-CLOUDINIT-ufs.qcow2.xz"
    assert source.url == f"{begins}/{source.file}"
    assert source.checksums == f"{begins}/CHECKSUM.SHA256"
