"""The sign as a PDF of one A4 page, in build/sign.pdf, through the panel's own browser.

python docs/hardware/print_sign.py
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from playwright.sync_api import sync_playwright

SIGN: Final = Path(__file__).resolve().with_name("sign.svg")
PDF: Final = SIGN.parents[2] / "build" / "sign.pdf"
CHROMIUM: Final = "/usr/bin/chromium"
PAGE: Final = "<style>@page {size: A4; margin: 0} body {margin: 0} svg {display: block}</style>"


def main() -> None:
    """Print it."""
    PDF.parent.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_content(PAGE + SIGN.read_text(encoding="utf-8"))
        page.pdf(path=PDF, prefer_css_page_size=True, print_background=True)
        browser.close()
    sys.stdout.write(f"wrote {PDF}\n")


if __name__ == "__main__":
    main()
