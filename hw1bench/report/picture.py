"""A picture of what the page shows first, taken by Chromium, with a digest of what it shows, which tells whether it is old."""

import hashlib
import io
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageChops
from PIL.PngImagePlugin import PngInfo

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WIDTH = 1060  # CSS pixels: a page that shows the picture is hardly wider, and its letters stay legible
_SCALE = 2  # pixels per CSS pixel
_TALL = 4000  # CSS pixels, of which the picture keeps what is not empty
_MARGIN = 24  # CSS pixels
_SECONDS = 60
_SHOWN = "shown"  # the name of the digest in the picture's own text
_FIRST = "<style>nav, main > :not(#questions) { display: none !important; }</style></head>"


def on_path(names: Sequence[str] = BROWSERS) -> str | None:
    """The path of a browser of the Chromium family; None without one."""
    return next(filter(None, map(shutil.which, names)), None)


def browser(names: Sequence[str] = BROWSERS) -> str:
    """Like ``on_path``. Raises ValueError without a browser."""
    found = on_path(names)
    if found is None:
        raise ValueError(
            f"a picture of the page needs a browser, and none of {', '.join(names)} is on PATH: install one"
        )
    return found


def digest(page: str) -> str:
    """The digest of what a picture of ``page`` shows: of its style, its head, and all before the first claim."""
    shown = page.partition('<section id="disagreements"')[0].partition('<section id="claims"')[0]
    return hashlib.sha256(re.sub(r'<meta http-equiv="[^>]*>', "", shown).encode()).hexdigest()


def digest_of(picture: bytes) -> str | None:
    """The digest that a picture keeps; None if it keeps none. Raises ValueError if it is not a picture."""
    try:
        with Image.open(io.BytesIO(picture)) as found:
            kept = found.info.get(_SHOWN)
    except OSError as error:
        raise ValueError(f"this is not a picture ({error})") from error
    return kept if isinstance(kept, str) else None


def take(page: str) -> bytes:
    """A PNG of the first screen of ``page`` in light colours, as a window of ``WIDTH`` shows it, at twice the resolution.

    Raises ValueError if there is no browser, or if it takes no picture.
    """
    command = [
        browser(),
        "--headless",
        *(["--no-sandbox"] if os.geteuid() == 0 else []),
        "--disable-gpu",
        "--hide-scrollbars",
        "--disable-background-networking",
    ]
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "page.html"), Path(folder, "page.png")
        source.write_text(page.replace("</head>", _FIRST, 1), encoding="utf-8")
        command += [f"--user-data-dir={folder}/profile", f"--window-size={WIDTH},{_TALL}", f"--screenshot={target}"]
        command.append(f"--force-device-scale-factor={_SCALE}")
        try:
            done = subprocess.run(
                [*command, source.as_uri()], capture_output=True, text=True, timeout=_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ValueError(f"the browser took no picture ({error}): try {command[0]} by hand") from error
        if done.returncode or not target.is_file():
            said = (done.stderr.strip().splitlines() or ["it did not say why"])[-1]
            raise ValueError(f"the browser took no picture ({said}): try {command[0]} by hand")
        with Image.open(target) as found:
            whole = found.convert("RGB")
    empty = Image.new("RGB", whole.size, whole.getpixel((0, whole.height - 1)))
    _, _, _, bottom = ImageChops.difference(whole, empty).getbbox() or (0, 0, 0, whole.height)
    kept = PngInfo()
    kept.add_text(_SHOWN, digest(page))
    written = io.BytesIO()
    shown = whole.crop((0, 0, whole.width, min(whole.height, bottom + _SCALE * _MARGIN)))
    shown.quantize(64, dither=Image.Dither.NONE).save(written, "PNG", optimize=True, pnginfo=kept)
    return written.getvalue()
