"""What axe finds to mend on a page."""

from __future__ import annotations

from importlib import resources

from playwright.async_api import Page

VIOLATIONS = """async () => (await axe.run(document, { resultTypes: ["violations"] })).violations
  .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html}`))"""


async def violations(page: Page) -> list[str]:
    """Each rule that is broken, with the element that breaks it."""
    if not await page.evaluate("'axe' in window"):
        axe = resources.files("axe_playwright_python").joinpath("axe.min.js")
        await page.evaluate(axe.read_text("utf-8"))
    found: list[str] = await page.evaluate(VIOLATIONS)
    return found
