"""The shared library of neonize, as a file and as memory.

Everything here that looks into memory holds for one build only: the linux-amd64 library of neonize 0.5.2, known by
its SHA-256. `verify()` is the gate.
"""

import ctypes
import functools
import hashlib
import importlib.util
import json
import platform
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from warest.errors import SetupError

NAME = "neonize-linux-amd64.so"

#: Of the library in the wheel neonize-0.5.2 for linux-amd64.
SHA256 = "56b0636515068e8f8383e5448b6cfd2516ea923fa6c68ce4a2e516da96ec405d"

#: whatsmeow's `WACertPubKey`: who must have signed the server's Noise certificate.
NOISE_ROOT = bytes.fromhex("142375574d0a587166aae71ebe516437c4a28b73e3695c6ce1f7f9545da8ee6b")

#: How many tokens the binary XML dictionaries of version 3 have.
SINGLE_TOKENS = 236
DOUBLE_TOKENS = (4, 256)

#: In DecodePatchInfo, from the first of three comparisons of 16 bytes to the end of the last: address and bytes. Each
#: is `mov dword [rsp+..], N; lea r8, [rsp+..]; cmp rdx, r8`: the pointer to an enum with the pointer to a fresh number,
#: so none ever fits. The text for what fits is loaded behind the `jne` after it: lea rcx, [rip+..]; mov edx, LENGTH.
_PATCH_NAMES = 0x7264DE
_PATCH_NAMES_BEFORE = bytes.fromhex(
    "c744244c01000000 4c8d44244c 4c39c2 750e 488d0df76f1f00 ba0e000000 eb44"
    "c744244802000000 4c8d442448 4c39c2 750e 488d0d58c71f00 ba14000000 eb24"
    "c744244405000000 4c8d442444 4c39c2"
)
#: What must fit in the place of each comparison (PatchInfo.WAPatchName), and the text for it: with its address, if the
#: code has another there.
_PATCH_CASES: tuple[tuple[int, bytes, int | None], ...] = (
    (3, b"regular_low", 0x91B4AD),
    (4, b"regular_high", 0x91BFC3),
    (5, b"regular", None),
)
_CASE, _COMPARISON, _JNE, _LEA = 32, 16, 2, 7

#: In SetGroupPhoto, which also sets one's own: where it decides whether there is a picture. `test rdi, rdi` asks for
#: its address, and there always is one; `test rsi, rsi` asks for its length.
_NO_PICTURE = 0x6AC3ED
_NO_PICTURE_BEFORE = bytes.fromhex("4889bc2470020000 4885ff 750b 31d2 31f6 6690 e946010000")
_NO_PICTURE_AFTER = _NO_PICTURE_BEFORE.replace(bytes.fromhex("4885ff"), bytes.fromhex("4885f6"))

_STRING_HEADER = 16  # A Go string is a pointer and a length of 8 bytes each.


@dataclass(frozen=True)
class Tokens:
    """The binary XML dictionaries: one byte's tokens, and the four tables of two bytes' tokens."""

    single: tuple[str, ...]
    double: tuple[tuple[str, ...], ...]

    def to_json(self) -> str:
        return json.dumps({"single": self.single, "double": self.double})

    @staticmethod
    def from_json(text: str) -> "Tokens":
        data = json.loads(text)
        return Tokens(tuple(data["single"]), tuple(tuple(table) for table in data["double"]))


def path() -> Path:
    """Where the library lies; found without importing neonize, which would load it."""
    spec = importlib.util.find_spec("neonize")
    if spec is None or not spec.submodule_search_locations:
        raise SetupError("neonize is not installed: install WAREST with its dependencies (pip install warest).")
    return Path(next(iter(spec.submodule_search_locations))) / NAME


@functools.cache
def verify() -> None:
    """Raise SetupError unless this machine has exactly the library that is known here."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        raise SetupError(
            f"The sandbox needs Linux on x86-64, because it knows only that build of neonize; this is {sys.platform} "
            f"on {platform.machine()}. Run it there, or in a linux/amd64 container."
        )
    library = path()
    if not library.exists():
        raise SetupError(f"{library} is missing: reinstall it with `pip install --force-reinstall neonize==0.5.2`.")
    if hashlib.sha256(library.read_bytes()).hexdigest() != SHA256:
        raise SetupError(
            f"{library} is not the library of neonize 0.5.2 (its SHA-256 differs): reinstall it with "
            "`pip install --force-reinstall neonize==0.5.2`."
        )


def swap_noise_root(root: bytes) -> None:
    """Make the library in this process trust Noise certificates of `root` instead of WhatsApp's.

    `WACertPubKey` is a Go variable, so the change is in this process's memory only. Call it after neonize is
    imported and before connect().
    """
    if len(root) != len(NOISE_ROOT):
        raise SetupError(f"A Noise root has {len(NOISE_ROOT)} bytes, this one has {len(root)}.")
    hits = [address for start, memory in _writable() for address in _find(NOISE_ROOT, start, memory)]
    if len(hits) != 1:
        raise SetupError(
            f"WhatsApp's Noise root was found {len(hits)} times in the memory of {NAME}, not once: import neonize "
            "first, swap only once in a process, and use neonize 0.5.2."
        )
    ctypes.memmove(hits[0], root, len(root))


def mend_patch_names() -> None:
    """Make DecodePatchInfo know regular_low, regular_high and regular: unmended it knows no collection (trap 4).

    The change is in this process's memory only, and is made at once or not at all. Raises SetupError when anything is
    not as it is known here. Call it after neonize is imported and before connect().
    """
    verify()
    base = _base()
    for _, text, address in _PATCH_CASES:
        if address and ctypes.string_at(base + address, len(text)) != text:
            raise SetupError(f"{NAME} does not have {text.decode()} where it should be in memory.")
    _replace("DecodePatchInfo", base + _PATCH_NAMES, _PATCH_NAMES_BEFORE, _mended_patch_names())


def mend_removal() -> None:
    """Make SetGroupPhoto take the picture away when it gets an empty one: unmended it sends that, as a picture.

    Like mend_patch_names; what the function returns then is no id, but a sentence that there is none.
    """
    verify()
    _replace("SetGroupPhoto", _base() + _NO_PICTURE, _NO_PICTURE_BEFORE, _NO_PICTURE_AFTER)


def _replace(function: str, address: int, before: bytes, after: bytes) -> None:
    """Code in memory, if it is what is known. Raises SetupError."""
    if ctypes.string_at(address, len(before)) != before:
        raise SetupError(f"{function} of {NAME} is not as it should be in memory, or was mended before.")
    try:
        # Past the protection of the pages, so that none is ever writable and executable.
        with open("/proc/self/mem", "r+b", buffering=0) as memory:
            memory.seek(address)
            memory.write(after)
    except OSError as error:
        raise SetupError(f"The memory of {NAME} cannot be written: {error}.") from error


def _mended_patch_names() -> bytes:
    code = bytearray(_PATCH_NAMES_BEFORE)
    for number, (value, text, address) in enumerate(_PATCH_CASES):
        start = number * _CASE
        # cmp dword [rdx], VALUE; jmp over the rest
        code[start : start + _COMPARISON] = bytes([0x83, 0x3A, value, 0xEB, 0x0B]) + b"\x90" * 11
        if address:
            lea = start + _COMPARISON + _JNE
            distance = address - (_PATCH_NAMES + lea + _LEA)
            code[lea + 3 : lea + _LEA] = distance.to_bytes(4, "little", signed=True)
            code[lea + _LEA + 1 : lea + _LEA + 5] = len(text).to_bytes(4, "little")
    return bytes(code)


def _base() -> int:
    """Where the library's first byte is mapped."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        span, _, offset, *_ = line.split(maxsplit=5)
        if line.endswith(NAME) and int(offset, 16) == 0:
            return int(span.partition("-")[0], 16)
    raise SetupError(f"{NAME} is not in memory: import neonize first.")


def read_tokens() -> Tokens:
    """The dictionaries of the library, read by a throw-away process that loads it."""
    verify()
    child = subprocess.run([sys.executable, "-m", __name__], capture_output=True, text=True, timeout=60)
    if child.returncode:
        raise SetupError(f"The token dictionaries of {NAME} could not be read: {child.stderr.strip()[-500:]}")
    return Tokens.from_json(child.stdout)


def _writable() -> list[tuple[int, bytes]]:
    """The rw mappings of the library, and the anonymous one behind each (its .bss), as (address, bytes)."""
    found: list[tuple[int, bytes]] = []
    end_of_library = None
    for line in Path("/proc/self/maps").read_text().splitlines():
        span, mode, _, _, inode, *name = line.split(maxsplit=5)
        start, end = (int(side, 16) for side in span.split("-"))
        ours = bool(name) and name[0].endswith(NAME)
        if mode.startswith("rw") and (ours or (start == end_of_library and inode == "0" and not name)):
            found.append((start, ctypes.string_at(start, end - start)))
        if ours:
            end_of_library = end
    return found


def _readable() -> list[tuple[int, bytes]]:
    """The mappings of the library that hold its constants."""
    found = []
    for line in Path("/proc/self/maps").read_text().splitlines():
        span, mode, *_ = line.split(maxsplit=5)
        if mode.startswith("r") and line.endswith(NAME):
            start, end = (int(side, 16) for side in span.split("-"))
            found.append((start, ctypes.string_at(start, end - start)))
    return found


def _find(needle: bytes, start: int, memory: bytes) -> list[int]:
    return [start + match.start() for match in re.finditer(re.escape(needle), memory)]


def _go_strings(address: int, count: int) -> tuple[str, ...]:
    """An array of Go strings."""
    headers = (ctypes.c_uint64 * (2 * count)).from_address(address)
    return tuple(ctypes.string_at(headers[2 * i], headers[2 * i + 1]).decode() for i in range(count))


def _header_of(text: str) -> int:
    """The address of the only Go string header in the library's constants that stands for `text`."""
    mappings = _readable()
    places = [place for start, memory in mappings for place in _find(text.encode(), start, memory)]
    headers = [place.to_bytes(8, "little") + len(text).to_bytes(8, "little") for place in places]
    hits = [hit for start, memory in mappings for header in headers for hit in _find(header, start, memory)]
    if len(hits) != 1:
        raise SetupError(f"The token {text} was found {len(hits)} times in {NAME}, not once: use neonize 0.5.2.")
    return hits[0]


def _tokens_in_memory() -> Tokens:
    """`xmlstreamstart` is token 1 of one byte; `reject` is the first of the second table of two bytes' tokens."""
    ctypes.CDLL(str(path()))
    tables, size = DOUBLE_TOKENS
    single = _header_of("xmlstreamstart") - _STRING_HEADER
    double = _header_of("reject") - size * _STRING_HEADER
    return Tokens(
        _go_strings(single, SINGLE_TOKENS),
        tuple(_go_strings(double + table * size * _STRING_HEADER, size) for table in range(tables)),
    )


if __name__ == "__main__":
    print(_tokens_in_memory().to_json())
