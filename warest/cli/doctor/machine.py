"""Checks of this machine: Python, the libraries, the variables. Only that of ffmpeg needs a setting."""

import platform
import shutil
import subprocess
import sys

from warest.cli.doctor.finding import FAIL, OK, WARN, Finding
from warest.config import typos
from warest.config.settings import Settings
from warest.errors import Unsupported
from warest.media import ffmpeg as media_ffmpeg
from warest.whatsapp import library

#: The Pythons that every library that we need comes for, from the first to the last.
OLDEST, NEWEST = (3, 11), (3, 12)

_REINSTALL = "Reinstall it: `pip install --force-reinstall pylibmagic python-magic`."

_PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n"


def python() -> Finding:
    version = platform.python_version()
    if sys.version_info < OLDEST:
        return Finding(FAIL, version, "Install Python 3.11 or 3.12.")
    if sys.version_info[:2] > NEWEST:
        return Finding(WARN, f"{version}, which WAREST is not tested with", "Use Python 3.11 or 3.12.")
    return Finding(OK, f"{version} ({sys.executable})")


def platform_() -> Finding:
    said = f"{sys.platform} on {platform.machine()}"
    if (sys.platform, platform.machine()) == ("linux", "x86_64"):
        return Finding(OK, said)
    return Finding(WARN, f"{said}: no sandbox here", "Use Linux on x86-64, or a linux/amd64 container.")


def engine() -> Finding:
    """The library of the WhatsApp engine, which is not loaded here: nobody may fork afterwards."""
    if platform_().status != OK:
        return Finding(WARN, "only the engine for Linux on x86-64 is known here", "Try to link a session.")
    library.verify()
    return Finding(OK, f"{library.NAME} of neonize 0.5.2, SHA-256 {library.SHA256[:12]}…")


def libmagic() -> Finding:
    """neonize needs it when it is imported; pylibmagic brings one along."""
    try:
        import pylibmagic  # noqa: F401, I001  first: it says where the library is
        import magic
    except ImportError as error:
        return Finding(FAIL, f"cannot be loaded ({error})", _REINSTALL)
    kind = magic.from_buffer(_PDF, mime=True)
    if kind != "application/pdf":
        return Finding(FAIL, f"takes a PDF for {kind}", _REINSTALL)
    return Finding(OK, "knows a PDF")


def ffmpeg(settings: Settings) -> Finding:
    """The one that media is converted with."""
    try:
        program = media_ffmpeg.find(settings.ffmpeg_path)
    except Unsupported:
        remedy = "Install ffmpeg, or `pip install imageio-ffmpeg`."
        return Finding(WARN, "not found: media that needs it is not converted", remedy)
    answer = subprocess.run([program, "-version"], capture_output=True, text=True, timeout=10, check=True)
    said = f"{answer.stdout.partition(' Copyright')[0].strip()} ({program})"
    if settings.ffmpeg_path and program != shutil.which(settings.ffmpeg_path):
        return Finding(WARN, f"{said}, since {settings.ffmpeg_path} is no program", "Mend FFMPEG_PATH, or unset it.")
    return Finding(OK, said)


def variables() -> Finding:
    """Those that start with WAREST_ and that nothing reads."""
    unread = typos.unread()
    if not unread:
        return Finding(OK, "each that is set is known")
    named = [f"{name} (is it {nearest}?)" if nearest else name for name, nearest in unread.items()]
    return Finding(WARN, f"nothing reads {', '.join(named)}", "Mend the names, or unset them: docs/configuration.md.")
