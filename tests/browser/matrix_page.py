#!/usr/bin/env python3
"""Tests the page of `matrix` in headless chromium: `matrix_page.py PAGES SCREENSHOTS`.

PAGES is a folder with the pages that `tests/it/matrix_page.rs` writes:

    STACKREF_MATRIX_PAGES=PAGES cargo test --test it matrix_page

The script writes pictures of the pages into SCREENSHOTS. It needs chromium and the packages of requirements.txt. A request, a dialog,
an error or a warning of any page is a failure. The last line is `N passed, N failed`.
"""
import contextlib
import json
import pathlib
import shutil
import sys

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

PAGES = pathlib.Path(sys.argv[1]).resolve()
SCREENSHOTS = pathlib.Path(sys.argv[2]).resolve()
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or "chromium"
MAX_BYTES = 5_000_000
MAX_FILTER_MS = 100
# In order of the columns of the small page: secret, key, three environments, uses.
ROWS = "#body tr"
counts = {True: 0, False: 0}


def expect(description, actual, expected=True):
    counts[actual == expected] += 1
    if actual != expected:
        print(f"FAILED {description}\n  expected {expected!r}\n  actual   {actual!r}", file=sys.stderr)


@contextlib.contextmanager
def opened(browser, name, **options):
    """Opens a page. Nothing may happen on it except what the test does."""
    context = browser.new_context(**{"viewport": {"width": 1200, "height": 800}, **options})
    page = context.new_page()
    events = []
    page.on("request", lambda request: events.append(f"request {request.url[:200]}"))
    page.on("pageerror", lambda error: events.append(f"error {error}"))
    page.on("console", lambda message: events.append(f"console {message.text}"))
    page.on("dialog", lambda dialog: (events.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on("popup", lambda popup: events.append(f"popup {popup.url}"))
    address = (PAGES / name).as_uri()
    page.goto(address)
    yield page
    expect(f"{name}: events", events, [f"request {address}"])
    context.close()


def column(page, number):
    """Returns the texts of a column, without the texts for screen readers."""
    return page.locator(f"{ROWS} > :nth-child({number})").evaluate_all(
        "cells => cells.map(cell => { const copy = cell.cloneNode(true); copy.querySelectorAll('.spoken').forEach(it => it.remove()); return copy.textContent; })"
    )


def names(page):
    return list(zip(column(page, 1), column(page, 2)))


def status(page):
    return page.get_by_role("status").inner_text()


def tab_to(page, locator, key="Tab"):
    """Presses the tab key, or shift and the tab key, until an element has the focus."""
    for _ in range(30):
        if locator.evaluate("it => it === document.activeElement"):
            return
        page.keyboard.press(key)
    expect(f"{locator} can be reached with the tab key", False)


def accessible(page, name):
    results = Axe().run(page).response
    problems = [f"{it['id']}: {it['nodes'][0]['html'][:200]} {it['nodes'][0]['failureSummary']}" for it in results["violations"]]
    expect(f"{name}: violations of axe-core", problems, [])
    expect(f"{name}: axe-core ran", len(results["passes"]) > 10)


def test_rows(browser):
    with opened(browser, "small.html") as page:
        expect("all rows", len(names(page)), 6)
        expect("status", status(page), "6 rows")
        expect("controls", page.get_by_role("search").is_visible())
        expect("no pages", page.get_by_role("navigation", name="Pages", include_hidden=True).is_visible(), False)
        expect("states", column(page, 4), ["ok", "-", "MISSING", "?", "-", "ok"])
        expect("failures", page.locator(".failures li").all_inner_texts(), ["`staging` did not answer"])
        summary = page.get_by_role("region", name="Summary")
        expect("counts of staging", summary.locator("tbody td:nth-child(4)").all_inner_texts(), ["1", "1", "2", "0", "2"])


def test_filters(browser):
    with opened(browser, "small.html") as page:
        page.get_by_role("searchbox").fill("database")
        expect("search by secret", names(page), [("database", "password"), ("database", "user")])
        expect("status of a search", status(page), "2 matching rows (6 in total)")
        page.get_by_role("searchbox").fill("DATABASE.pass")
        expect("search by name", names(page), [("database", "password")])
        page.get_by_role("searchbox").fill("train.py data")
        expect("search by words", names(page), [("database", "password")])
        page.get_by_role("searchbox").fill("zenml://")
        expect("search by use", names(page), [("tracker", "token")])
        page.get_by_role("searchbox").fill("nothing like this")
        expect("search without matches", page.locator(ROWS).all_inner_texts(), ["No rows match."])
        page.get_by_role("searchbox").fill("")
        tab_to(page, page.get_by_role("checkbox", name="Missing only"))
        page.keyboard.press("Space")
        expect("missing only", names(page), [("database", "password"), ("tracker", "token")])
        page.get_by_role("searchbox").fill("prod")
        expect("missing only and search", status(page), "2 matching rows (6 in total)")
        page.keyboard.press("Enter")
        expect("enter does not submit", status(page), "2 matching rows (6 in total)")


def test_sorting(browser):
    with opened(browser, "small.html") as page:
        head = page.get_by_role("region", name="Secrets and keys").get_by_role("columnheader")
        expect("heads", head.all_inner_texts(), ["Secret", "Key", "dev", "staging", "prod", "Used by"])
        expect("sorted at first", head.nth(0).get_attribute("aria-sort"), "ascending")
        tab_to(page, head.nth(3).get_by_role("button"))
        page.keyboard.press("Enter")
        expect("sorted by staging", column(page, 4), ["MISSING", "?", "ok", "ok", "-", "-"])
        expect("order", [head.nth(at).get_attribute("aria-sort") for at in range(6)], [None, None, None, "ascending", None, None])
        page.keyboard.press("Space")
        expect("sorted descending", column(page, 4), ["-", "-", "ok", "ok", "?", "MISSING"])
        expect("order descending", head.nth(3).get_attribute("aria-sort"), "descending")
        expect("the focus stays", head.nth(3).get_by_role("button").evaluate("it => it === document.activeElement"))
        head.nth(1).get_by_role("button").click()
        expect("sorted by key", column(page, 2), ["whole secret", "access_key", "old_key", "password", "token", "user"])
        head.nth(5).get_by_role("button").click()
        head.nth(5).get_by_role("button").click()
        expect("sorted by uses", column(page, 2)[0], "password")
        page.get_by_role("checkbox").check()
        expect("a filter keeps the order", column(page, 2), ["password", "token"])
        head.nth(0).get_by_role("button").click()
        expect("sorted by secret", column(page, 1), ["database", "tracker"])


def test_uses(browser):
    with opened(browser, "small.html") as page:
        uses = page.locator("#uses-2 li")
        expect("uses are closed", uses.count(), 0)
        tab_to(page, page.get_by_role("link", name="MISSING").first)
        page.keyboard.press("Enter")
        uses.first.wait_for()
        expect("a missing cell opens the uses", uses.all_inner_texts(), ["stacks/dev.yaml:20 (dev)", "stacks/prod.yaml:21 (prod)", "train.py:8"])
        expect("the uses have the focus", page.evaluate("document.activeElement.tagName"), "SUMMARY")
        page.keyboard.press("Enter")
        expect("uses can be closed", uses.first.is_visible(), False)
        page.locator("#uses-5 summary").click()
        page.locator("#uses-5 li").wait_for()
        expect("a component has no line", page.locator("#uses-5 li").all_inner_texts(), ["zenml://server/components/experiment_tracker/mlflow (prod)"])


def test_roles(browser):
    with opened(browser, "small.html") as page:
        snapshot = page.locator("body").aria_snapshot()
        for part in [
            '- heading "Secrets by environment" [level=1]',
            '- region "Secrets and keys":',
            '- searchbox "Search"',
            '- checkbox "Missing only"',
            "- status: 6 rows",
            "- columnheader",
            '- rowheader "database"',
            '- rowheader "password"',
            '- cell "not looked up"',
            '- link "MISSING"',
        ]:
            expect(f"snapshot contains {part}\n{snapshot}", part in snapshot)


def test_themes(browser):
    for name in ["small.html", "hostile.html", "empty.html", "large.html"]:
        for scheme in ["light", "dark"]:
            with opened(browser, name, color_scheme=scheme) as page:
                if name == "small.html":
                    back = page.evaluate("getComputedStyle(document.body).backgroundColor")
                    expect(f"{scheme} background", back, {"light": "rgb(255, 255, 255)", "dark": "rgb(14, 18, 23)"}[scheme])
                    page.get_by_role("link", name="MISSING").first.click()
                accessible(page, f"{name} ({scheme})")
                page.screenshot(path=SCREENSHOTS / f"{name.split('.')[0]}-{scheme}.png", full_page=name == "small.html")
    for name in ["small.html", "large.html"]:
        with opened(browser, name, viewport={"width": 360, "height": 780}) as page:
            width = page.evaluate("document.documentElement.scrollWidth")
            expect(f"{name}: a narrow page does not scroll sideways", width, 360)
            accessible(page, f"{name} (narrow)")
            page.screenshot(path=SCREENSHOTS / f"{name.split('.')[0]}-narrow.png", full_page=True)


def test_hostile_names(browser):
    with opened(browser, "hostile.html") as page:
        for text in ["<img src=x onerror=alert(1)>", "</script><script>alert(2)</script>", '"><svg/onload=alert(3)>', "\\u{202e}evil\\u{2066}\\u{2028}\\u{2029}\\u{200b}", "__proto__"]:
            expect(f"{text} is text", text in column(page, 1) and text in column(page, 2))
        expect("no elements of names", page.locator("img, svg, iframe").count(), 0)
        expect("scripts of the page", page.locator("script").count(), 2)
        for number in range(2, 11):
            page.locator("#columns button").nth(number).click()
        for details in page.locator("summary").all():
            details.click()
        page.locator("#body td").first.hover()
        page.get_by_role("searchbox").fill("<img")
        expect("a hostile name is found", len(names(page)), 1)
        page.get_by_role("searchbox").fill("alert(")
        expect("a search is not a pattern", len(names(page)), 5)
        page.wait_for_timeout(200)


def test_large(browser):
    size = (PAGES / "large.html").stat().st_size
    expect(f"{size} bytes are less than {MAX_BYTES}", size < MAX_BYTES)
    with opened(browser, "large.html") as page:
        expect("first page", (status(page), len(names(page))), ("Rows 1 to 50 of 10000 rows", 50))
        pages = page.get_by_role("navigation", name="Pages")
        pages.get_by_role("button", name="Last").click()
        expect("last page", status(page), "Rows 9951 to 10000 of 10000 rows")
        expect("no next page", pages.get_by_role("button", name="Next").get_attribute("aria-disabled"), "true")
        tab_to(page, pages.get_by_role("button", name="Previous"), "Shift+Tab")
        page.keyboard.press("Enter")
        expect("page before", status(page), "Rows 9901 to 9950 of 10000 rows")
        page.get_by_role("searchbox").fill("team-1234")
        expect("search", (status(page), len(names(page))), ("4 matching rows (10000 in total)", 4))
        # The least of several times, including the layout, because the machine may be busy.
        times = page.evaluate(
            """() => ["team", "stack-7", "password_3 team-2", "zzz", ""].map(text => {
                const search = document.getElementById("search");
                const measured = [0, 1, 2, 3, 4].map(() => {
                    const start = performance.now();
                    search.value = text;
                    search.dispatchEvent(new Event("input"));
                    document.body.offsetHeight;
                    return performance.now() - start;
                });
                return Math.min(...measured);
            })"""
        )
        expect(f"searches take {[round(it) for it in times]} ms", max(times) < MAX_FILTER_MS)
        page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        expect("all rows are printed", page.locator(ROWS).count(), 10_000)
        page.evaluate("window.dispatchEvent(new Event('afterprint'))")
        expect("rows after printing", page.locator(ROWS).count(), 50)


def test_without_scripts(browser):
    with opened(browser, "small.html", java_script_enabled=False) as page:
        expect("rows without scripts", page.locator(ROWS).count(), 6)
        expect("no controls without scripts", page.locator("#controls").is_visible(), False)
        page.locator("#uses-2 summary").click()
        expect("uses without scripts", page.locator("#uses-2 li").nth(2).is_visible())
    with opened(browser, "large.html", java_script_enabled=False) as page:
        expect("first rows without scripts", page.locator(ROWS).count(), 500)
        expect("note without scripts", "the first 500 of 10000 rows" in page.locator("body").inner_text())
    with opened(browser, "hostile.html", java_script_enabled=False) as page:
        expect("hostile names without scripts", page.locator("img, svg").count(), 0)


def test_print(browser):
    with opened(browser, "small.html") as page:
        page.emulate_media(media="print")
        expect("no controls in print", page.locator("#controls").is_visible(), False)
        page.screenshot(path=SCREENSHOTS / "small-print.png", full_page=True)
    with opened(browser, "empty.html") as page:
        expect("an empty matrix", (status(page), page.locator(ROWS).all_inner_texts()), ("0 rows", ["There are no secrets."]))


def main():
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        # Without a user namespace, as in a container, chromium has no sandbox. The pages are our own.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for test in [test_rows, test_filters, test_sorting, test_uses, test_roles, test_themes, test_hostile_names, test_large, test_without_scripts, test_print]:
            test(browser)
        browser.close()
    print(f"{counts[True]} passed, {counts[False]} failed")
    return 1 if counts[False] else 0


if __name__ == "__main__":
    sys.exit(main())
