# SPDX-License-Identifier: MIT
"""seal.py - SipHash-2-4, the other end of tests/seal.c."""
import struct

MASK = (1 << 64) - 1


def _rotate(x, n):
    return (x << n | x >> (64 - n)) & MASK


def _rounds(v, n):
    v0, v1, v2, v3 = v
    for _ in range(n):
        v0 = (v0 + v1) & MASK
        v2 = (v2 + v3) & MASK
        v1 = _rotate(v1, 13) ^ v0
        v3 = _rotate(v3, 16) ^ v2
        v0 = _rotate(v0, 32)
        v2 = (v2 + v1) & MASK
        v0 = (v0 + v3) & MASK
        v1 = _rotate(v1, 17) ^ v2
        v3 = _rotate(v3, 21) ^ v0
        v2 = _rotate(v2, 32)
    return [v0, v1, v2, v3]


def compute(nonce, data):
    """The tag of @data under @nonce, both as the guest writes them."""
    k0, k1 = int(nonce[:16], 16), int(nonce[16:], 16)
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D,
         k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]
    tail = len(data) & ~7
    last = int.from_bytes(data[tail:], "little") | (len(data) & 0xFF) << 56
    for word in struct.unpack(f"<{tail // 8}Q", data[:tail]) + (last,):
        v[3] ^= word
        v = _rounds(v, 2)
        v[0] ^= word
    v[2] ^= 0xFF
    v = _rounds(v, 4)
    return f"{v[0] ^ v[1] ^ v[2] ^ v[3]:016x}"
