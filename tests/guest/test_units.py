import pytest

from kvmtui.guest.units import format_duration, format_size, parse_duration, parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512M", 512 << 20),
        ("2G", 2 << 30),
        ("20GiB", 20 << 30),
        ("1.5g", 3 << 29),
        ("64 K", 65536),
        ("1073741824", 1 << 30),
        ("100B", 100),
        ("0", 0),
    ],
)
def test_sizes_are_read_as_powers_of_two(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "G", "-1G", "1024", "2X", "1e3", "１G", "9999999E", "0x10"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(ValueError):
        parse_size(text)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0"),
        (312 << 10, "312K"),
        (1258291, "1.2M"),
        (38 << 20, "38M"),
        (2 << 30, "2.0G"),
        (64 << 30, "64G"),
        (1539316278886, "1.4T"),
    ],
)
def test_sizes_are_written_in_four_cells(size, text):
    assert format_size(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(3, "<1m"), (720, "12m"), (11520, "3h12"), (41 * 86400, "41d")]
)
def test_durations(seconds, text):
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("text", "seconds"), [("0", 0), ("10", 10), ("10s", 10), (" 2 M ", 120), ("1h", 3600)]
)
def test_durations_are_read(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "1.5s", "-1", "10d", "1sm", "٣s", "9" * 10])
def test_what_is_no_duration(text):
    with pytest.raises(ValueError, match="write 10s or 2m"):
        parse_duration(text)
