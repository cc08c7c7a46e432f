"""Unpacking in steps: whatever the pieces, the same comes out, and no step is larger than it may be."""

import contextlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.appeals.sources.unpacking import PackingBroken, unpacker

WINDOWS = {"gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS, "bare deflate": -zlib.MAX_WBITS}


def pack(content, window):
    packer = zlib.compressobj(9, zlib.DEFLATED, window)
    return packer.compress(content) + packer.flush()


def steps(unpack, packed, size):
    return [step for at in range(0, len(packed), size) for step in unpack.feed(packed[at : at + size])]


@pytest.mark.parametrize("packing", WINDOWS)
@given(
    content=st.one_of(st.binary(max_size=2000), st.integers(65_000, 400_000).map(bytes)),
    size=st.one_of(st.integers(1, 10), st.just(65_536)),
)
def test_whatever_the_pieces_it_comes_out_whole_and_in_small_steps(packing, content, size):
    unpack = unpacker([packing.removeprefix("bare ")])

    found = steps(unpack, pack(content, WINDOWS[packing]), size)
    unpack.finish()

    assert b"".join(found) == content
    assert all(len(step) <= 65_536 for step in found)


@pytest.mark.parametrize("packing", WINDOWS)
@given(content=st.binary(min_size=1, max_size=200), data=st.data())
def test_what_breaks_off_is_told_wherever_it_does(packing, content, data):
    packed = pack(content, WINDOWS[packing])
    cut = data.draw(st.integers(1, len(packed) - 1))
    unpack = unpacker([packing.removeprefix("bare ")])
    steps(unpack, packed[:cut], 65_536)
    with pytest.raises(PackingBroken):
        unpack.finish()


@given(st.binary(max_size=300), st.sampled_from(["gzip", "deflate"]))
def test_no_bytes_raise_anything_else(content, packing):
    unpack = unpacker([packing])
    with contextlib.suppress(PackingBroken):
        steps(unpack, content, 7)
        unpack.finish()


def test_what_follows_the_end_is_left_aside():
    unpack = unpacker(["gzip"])

    assert b"".join(steps(unpack, pack(b"page", WINDOWS["gzip"]) + b"and more", 5)) == b"page"
    unpack.finish()
