"""The page for others: logins, the administrator, the log."""

import re
import threading

import httpx
import pytest

from tests.conftest import wait_until
from tests.page.caller import Caller, picture
from tests.page.visit import end, serve

pytestmark = pytest.mark.process

SETTINGS = {"field-steps_per_epoch": "400", "field-epochs": "1", "max_dim": 128, "recipe": "fast"}


@pytest.fixture(scope="module")
def hosted(tmp_path_factory):
    """Serve a page with a login; return its address and the file of its log."""
    path = tmp_path_factory.mktemp("log") / "log.txt"
    with open(path, "w") as log, pytest.MonkeyPatch.context() as patch:
        patch.setenv("NST_TF_PASSWORD", "secret")
        patch.setenv("NST_TF_ADMIN_PASSWORD", "root")
        flags = ("--user=friends", "--max-run-time=20min")
        process, address = serve(*flags, log=log, module="tests.page.stubbed")
    yield address, path
    end(process)


def login(address, name="friends", password="secret"):
    client = httpx.Client(base_url=address, timeout=60)
    return client, client.post("/login", data={"username": name, "password": password})


def enter(address):
    """Log in as a visitor, and return it."""
    client, answer = login(address)
    assert answer.status_code == 303
    return Caller(address, cookies=client.cookies)


def test_without_a_login_there_is_nothing(hosted):
    address, _ = hosted
    for path in (
        "config",
        "gradio_api/info",
        "gradio_api/openapi.json",
        "gradio_api/app_id",
        "gradio_api/heartbeat/abc",
        "theme.css",
        "none",
        "gradio_api/file=/etc/passwd",
    ):
        answer = httpx.get(f"{address}{path}")
        assert answer.status_code == 401, path
        assert "set-cookie" not in answer.headers
    answer = httpx.get(address)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert httpx.post(f"{address}gradio_api/upload", files=[("files", b"x")]).status_code == 401


def test_a_login_opens_the_page_and_a_logout_closes_it(hosted):
    address, _ = hosted
    visitor = enter(address)
    (mine,) = visitor.upload(("mine.png", picture()))
    place = f"/gradio_api/file={mine['path']}"
    assert visitor.http.get(place).status_code == 200
    secret = dict(visitor.http.cookies)
    assert visitor.http.post("/logout").headers["location"] == "/login"
    assert httpx.get(f"{address.rstrip('/')}{place}", cookies=secret).status_code == 401


def test_each_login_is_a_visitor_of_its_own(hosted):
    address, _ = hosted
    one, other = enter(address), enter(address)
    (mine,) = one.upload(("mine.png", picture()))
    assert other.http.get(f"/gradio_api/file={mine['path']}").status_code == 404


def test_guesses_are_slowed_down_and_logged(hosted):
    """Guess from an address of its own on loopback, so that the others' logins stay free."""
    address, path = hosted
    transport = httpx.HTTPTransport(local_address="127.0.0.9")
    with httpx.Client(base_url=address, transport=transport, timeout=60) as client:
        codes = []
        for number in range(8):
            form = {"username": "friends\n2026 login: forged", "password": f"guess {number}"}
            answer = client.post("/login", data=form)
            codes.append(answer.status_code)
        assert codes[:4] == [401] * 4
        assert codes[4:] == [429] * 4
        assert int(answer.headers["retry-after"]) >= 1
        assert 'role="alert"' in answer.text
        right = {"username": "friends", "password": "secret"}
        assert client.post("/login", data=right).status_code == 429
    log = path.read_text()
    assert len(re.findall(r"login failed: .* from 127\.0\.0\.9", log)) == 4
    assert "login refused: 127.0.0.9" in log
    assert "\n2026 login: forged" not in log
    assert "guess" not in log
    assert enter(address)


def test_many_tries_at_once_gain_nothing(hosted):
    address, _ = hosted
    codes = []

    def guess():
        transport = httpx.HTTPTransport(local_address="127.0.0.10")
        with httpx.Client(base_url=address, transport=transport, timeout=60) as client:
            form = {"username": "friends", "password": "guess"}
            codes.append(client.post("/login", data=form).status_code)

    threads = [threading.Thread(target=guess) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes.count(401) <= 5
    assert codes.count(429) >= 15


def test_a_large_form_is_no_login(hosted):
    address, _ = hosted
    form = {"username": "friends", "password": "x" * 100_000}
    transport = httpx.HTTPTransport(local_address="127.0.0.11")
    with httpx.Client(base_url=address, transport=transport) as client:
        assert client.post("/login", data=form).status_code == 401


def test_the_administrator_lists_and_cancels_runs(hosted):
    address, path = hosted
    visitor = enter(address)
    (mine,) = visitor.upload(("holiday.png", picture()))
    for _ in range(2):
        assert "alert" not in visitor.paint(mine, [mine], **SETTINGS).text
    admin, _ = login(address, "admin", "root")
    names = re.findall(r'name="run" value="(\w+)"', admin.get("/admin").text)
    assert len(names) == 2
    page = admin.get("/admin").text
    assert "holiday" not in page
    assert "friends" in page
    for name in names:
        assert admin.post("/admin/cancel", data={"run": name}).headers["location"] == "/admin"
    wait_until(lambda: "Cancel" not in admin.get("/admin").text)
    log = path.read_text()
    assert all(f"run {name} of" in log for name in names)
    assert log.count("cancelled by the administrator") == 2
    assert "Traceback" not in log


def test_visitors_are_no_administrators(hosted):
    visitor = enter(hosted[0])
    assert visitor.http.get("/admin").headers["location"] == "/login"
    assert visitor.http.post("/admin/cancel", data={"run": "x"}).status_code == 404


def test_limits_are_said_before_anything_is_painted(hosted):
    visitor = enter(hosted[0])
    shown = str(visitor.config)
    assert "At most 4961 pixels on the long side, 10000 steps, 20 minutes." in shown
    (mine,) = visitor.upload(("mine.png", picture()))
    told = visitor.paint(mine, [mine], time_limit=1201, **SETTINGS).text
    assert "time_limit must be at most 1200 seconds here, not 1201" in told


@pytest.mark.browser
def test_a_login_that_has_ended_leads_to_the_form(hosted, browser):
    """Log in, take the cookie away, and use the page: the form is there again."""
    page = browser.new_context().new_page()
    page.goto(hosted[0])
    page.get_by_label("Name").fill("friends")
    page.get_by_label("Password").fill("secret")
    page.get_by_role("button", name="Log in").click()
    page.wait_for_selector("#paint")
    page.context.clear_cookies()
    page.wait_for_selector("#password", timeout=60_000)
    page.context.close()
