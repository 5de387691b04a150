"""The page in a browser and over HTTP: a server of its own."""

import os

import pytest
from playwright.sync_api import sync_playwright

from tests.page.visit import Visit, end, find_browser, serve


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
    process, address = serve()
    yield address
    end(process)


@pytest.fixture
def visit(browser, address):
    visits = []

    def begin(**options):
        visits.append(Visit(browser, address, **options))
        return visits[-1]

    yield begin
    for one in visits:
        one.context.close()
