"""The page in a browser and over HTTP: servers that the tests share."""

import os

import pytest
from playwright.sync_api import sync_playwright

from tests.page.visit import Visit, end, find_browser, new_context, serve


@pytest.fixture(scope="module")  # its event loop must not outlive the tests that need it
def browser():
    path = find_browser()
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("no browser: install Debian's chromium")
        pytest.skip("no browser: install Debian's chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def address():
    """Serve the page with a painter that needs no network."""
    process, address = serve(module="tests.page.stubbed")
    yield address
    end(process)


@pytest.fixture(scope="session")
def real_address():
    """Serve the page with the painter of the program."""
    process, address = serve()
    yield address
    end(process)


@pytest.fixture(scope="module")
def contexts(browser):
    """Yield contexts of the browser that nobody uses: their caches hold the page's scripts."""
    unused = []
    yield unused
    for context in unused:
        context.close()


@pytest.fixture
def visit(browser, contexts, address):
    yield from visits_of(browser, contexts, address)


@pytest.fixture
def real_visit(browser, contexts, real_address):
    yield from visits_of(browser, contexts, real_address)


def visits_of(browser, contexts, address):
    """Yield a function that opens a page as a new visitor."""
    visits = []

    def begin(**media):
        context = contexts.pop() if contexts else new_context(browser)
        visits.append(Visit(context, address, **media))
        return visits[-1]

    yield begin
    for one in visits:
        one.leave()
        contexts.append(one.context)
