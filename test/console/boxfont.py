# SPDX-License-Identifier: Apache-2.0
"""A font in which each character is the same box, and spaces are as wide and empty: where all text is set in it a page has
the same layout on every machine, whichever fonts that has. TrueType, made from nothing."""

import struct

EM = 1000
ASCENT, DESCENT = 800, 200
ADVANCE = 550  # about as wide as letters are
SPACES = [0x20, 0xa0, 0x2009, 0x202f]
NOTDEF, BOX, SPACE = range(3)


def box():
    """A glyph of one contour of four corners, on the line and as high as small letters are."""
    left, bottom, right, top = 50, 0, ADVANCE - 50, 500
    x, y = [left, 0, right - left, 0], [bottom, top - bottom, 0, bottom - top]
    return (struct.pack(">hhhhh", 1, left, bottom, right, top) + struct.pack(">HH", 3, 0) + bytes([1] * 4) +
            struct.pack(">4h", *x) + struct.pack(">4h", *y))


def characters():
    """Each of Unicode's, as groups of a table in which many share a glyph: format 13."""
    groups, begin = [], 0x21
    for space in SPACES:
        if begin < space:
            groups.append((begin, space - 1, BOX))
        groups.append((space, space, SPACE))
        begin = space + 1
    groups.append((begin, 0x10ffff, BOX))
    packed = b"".join(struct.pack(">III", *group) for group in groups)
    return struct.pack(">HHHHI", 0, 1, 3, 10, 12) + struct.pack(">HHIII", 13, 0, 16 + len(packed), 0, len(groups)) + packed


def names():
    texts = [(1, "Box"), (2, "Regular"), (4, "Box"), (6, "Box")]
    stored, rows = b"", b""
    for name, text in texts:
        word = text.encode("utf-16-be")
        rows += struct.pack(">6H", 3, 1, 0x409, name, len(word), len(stored))
        stored += word
    return struct.pack(">HHH", 0, len(texts), 6 + len(rows)) + rows + stored


def tables():
    glyph = box()
    glyph += bytes(-len(glyph) % 4)
    places = [0, 0, len(glyph), len(glyph)]  # of nothing, of the box, of a space
    bounds = (50, 0, ADVANCE - 50, 500)
    return {
        b"OS/2": struct.pack(">HhHHH11h10sIIII4sHHHhhhHHII", 4, ADVANCE, 400, 5, 0, *[0] * 11, bytes(10), 0, 0, 0, 0, b"NONE", 0x40, 0x20, 0xffff,
                             ASCENT, -DESCENT, 0, ASCENT, DESCENT, 1, 0) + struct.pack(">hhHHH", 500, 700, 0, 0x20, 1),
        b"cmap": characters(),
        b"glyf": glyph,
        b"head": struct.pack(">IIIIHHqqhhhhHHhhh", 0x10000, 0x10000, 0, 0x5f0f3cf5, 11, EM, 0, 0, *bounds, 0, 8, 2, 1, 0),
        b"hhea": struct.pack(">IhhhHhhhhhh4hhH", 0x10000, ASCENT, -DESCENT, 0, ADVANCE, 50, 50, ADVANCE - 50, 1, 0, 0, *[0] * 4, 0, 3),
        b"hmtx": struct.pack(">HhHhHh", ADVANCE, 0, ADVANCE, 50, ADVANCE, 0),
        b"loca": struct.pack(">4I", *places),
        b"maxp": struct.pack(">I14H", 0x10000, 3, 4, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0),
        b"name": names(),
        b"post": struct.pack(">IIhhIIIII", 0x30000, 0, -100, 50, 1, 0, 0, 0, 0),
    }


def checksum(data):
    return sum(struct.unpack(f">{len(data) // 4}I", data)) & 0xffffffff


def font():
    found = sorted(tables().items())
    head, body, at = b"", b"", 12 + 16 * len(found)
    for tag, data in found:
        padded = data + bytes(-len(data) % 4)
        head += struct.pack(">4sIII", tag, checksum(padded), at + len(body), len(data))
        body += padded
    power = 1 << (len(found).bit_length() - 1)
    begin = struct.pack(">IHHHH", 0x10000, len(found), power * 16, power.bit_length() - 1, (len(found) - power) * 16)
    return begin + head + body
