"""The wall around the page, with nothing behind it but an echo."""

import asyncio
import base64
import ipaddress
import json

import pytest

from nst_tf.page.cookies import cookie
from nst_tf.page.guests import Guests
from nst_tf.page.limits import Limits
from nst_tf.page.login import Accounts, Throttle
from nst_tf.page.rules import Rules, host_name, is_same_origin, trusted_scope
from nst_tf.page.visitors import Visitors
from nst_tf.page.wall import Wall


def rules(**options):
    proxies = tuple(map(ipaddress.ip_network, options.pop("proxies", ())))
    return Rules(proxies=proxies, **options)


def request(wall, path="/", method="GET", headers=(), client="198.51.100.7", server="127.0.0.1"):
    """Send a request through a wall; return status, headers and body of the answer."""
    usual = {"host": "127.0.0.1", "content-length": "0"} | dict(headers)
    scope = {
        "type": "http", "method": method, "path": path, "scheme": "http", "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in usual.items()],
        "client": (client, 1), "server": (server, 7860),
    }  # fmt: skip
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    asyncio.run(wall(scope, receive, send))
    start, *rest = sent
    body = b"".join(message["body"] for message in rest)
    return start["status"], dict(start["headers"]), body


async def echo(scope, receive, send):
    """Answer with what an application behind the wall sees."""
    seen = {
        "path": scope["path"], "scheme": scope["scheme"], "client": scope["client"][0],
        "headers": {name.decode(): value.decode() for name, value in scope["headers"]},
    }  # fmt: skip
    headers = [(b"content-type", b"text/html"), (b"access-control-allow-origin", b"*")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(seen).encode()})


@pytest.fixture
def build(tmp_path):
    def make(**options):
        visitors = Visitors(tmp_path / "runs", limits=options.pop("limits", None))
        accounts = Accounts({"me": "secret"})
        guests = Guests(visitors, accounts, Throttle()) if options.pop("guests", False) else None
        checked = (lambda path, body: True, 1000, b"", guests)
        return Wall(echo, rules(**options), visitors, *checked), visitors

    return make


@pytest.mark.parametrize(
    ("host", "options", "status"),
    [
        ("localhost", {}, 200),
        ("localhost:7860", {}, 200),
        ("LOCALHOST.", {}, 200),
        ("[::1]:7860", {}, 200),
        ("127.3.2.1", {}, 200),
        ("evil.example", {}, 421),
        ("", {}, 421),
        ("localhost.evil.example", {}, 421),
        ("192.0.2.9", {}, 421),
        ("192.0.2.9", {"host": "192.0.2.9"}, 200),
        ("paint.example", {"hosts": frozenset({"paint.example"})}, 200),
        ("PAINT.example:443", {"hosts": frozenset({"paint.example"})}, 200),
    ],
)
def test_only_known_hosts_are_served(build, host, options, status):
    wall, _ = build(**options)
    assert request(wall, headers={"host": host})[0] == status


def test_behind_a_wildcard_the_address_of_the_connection_is_known(build):
    wall, _ = build(host="0.0.0.0")
    assert request(wall, headers={"host": "192.0.2.9"}, server="192.0.2.9")[0] == 200
    assert request(wall, headers={"host": "192.0.2.9"}, server="192.0.2.10")[0] == 421


@pytest.mark.parametrize(
    ("headers", "host", "fine"),
    [
        ({}, "h", True),
        ({b"origin": b"http://h"}, "h", True),
        ({b"origin": b"http://H:80"}, "h", True),
        ({b"origin": b"https://h"}, "h:443", True),
        ({b"origin": b"http://h:81"}, "h", False),
        ({b"origin": b"http://x"}, "h", False),
        ({b"origin": b"null"}, "h", False),
        ({b"origin": b"h"}, "h", False),
        ({b"origin": b""}, "h", False),
        ({b"sec-fetch-site": b"cross-site"}, "h", False),
        ({b"origin": b"http://h", b"sec-fetch-site": b"same-site"}, "h", False),
    ],
)
def test_changes_come_from_the_pages_own_origin(headers, host, fine):
    assert is_same_origin(headers, host) == fine


FORWARDED = {
    "x-forwarded-for": "203.0.113.5, 10.0.0.2", "x-forwarded-proto": "https",
    "x-forwarded-host": "paint.example", "x-real-ip": "9.9.9.9", "forwarded": "for=9.9.9.9",
}  # fmt: skip


def test_forwarded_headers_count_from_a_trusted_proxy_only(build):
    known = frozenset({"paint.example"})
    wall, _ = build(hosts=known, proxies=["10.0.0.0/8"])
    seen = json.loads(request(wall, headers=FORWARDED, client="10.0.0.1")[2])
    assert (seen["client"], seen["scheme"]) == ("203.0.113.5", "https")
    assert seen["headers"]["host"] == "paint.example"
    strange = json.loads(request(wall, headers=FORWARDED)[2])
    assert (strange["client"], strange["scheme"]) == ("198.51.100.7", "http")
    assert strange["headers"]["host"] == "127.0.0.1"
    for headers in (seen["headers"], strange["headers"]):
        assert not [name for name in headers if "forwarded" in name or name == "x-real-ip"]


def test_a_proxy_cannot_be_made_to_name_a_strange_host(build):
    wall, _ = build(proxies=["10.0.0.0/8"])
    assert request(wall, headers=FORWARDED, client="10.0.0.1")[0] == 421


def test_addresses_in_front_of_a_strange_hop_are_not_believed():
    scope = {
        "headers": [(b"x-forwarded-for", b"127.0.0.1, 203.0.113.5")], "client": ("10.0.0.1", 1),
        "path": "/", "scheme": "http",
    }  # fmt: skip
    assert trusted_scope(scope, rules(proxies=["10.0.0.1"]))["client"][0] == "203.0.113.5"


@pytest.mark.parametrize("path", ["/paint", "/paint/", "/", "/paint/theme.css", "/theme.css"])
def test_a_prefix_is_cut_off_whether_the_proxy_has_or_not(build, path):
    wall, _ = build(root="/paint")
    status, headers, body = request(wall, path)
    assert status == 200
    assert json.loads(body)["path"] in ("/", "/theme.css")
    if "theme" not in path:
        assert b"Path=/paint;" in headers[b"set-cookie"]


def test_a_cookie_is_secret_and_known_again(build):
    wall, visitors = build()
    text = request(wall)[1][b"set-cookie"].decode()
    assert "HttpOnly" in text
    assert "SameSite=Lax" in text
    assert "Secure" not in text
    (visitor,) = visitors.everyone()
    again = request(wall, headers={"cookie": text.split(";")[0]})
    assert b"set-cookie" not in again[1]
    assert visitors.everyone() == [visitor]
    assert cookie({b"cookie": b"nst_tf=abc; other=1"}, "nst_tf") == "abc"
    assert cookie({b"cookie": b";;=\xff"}, "nst_tf") is None


def test_a_cookie_is_for_https_alone_behind_https(build):
    wall, _ = build(hosts=frozenset({"paint.example"}), proxies=["10.0.0.0/8"])
    headers = request(wall, headers=FORWARDED, client="10.0.0.1")[1]
    assert b"; Secure" in headers[b"set-cookie"]


def test_files_that_are_the_same_for_all_make_no_visitor(build):
    wall, visitors = build()
    for path in ("/assets/x.js", "/theme.css", "/favicon.ico", "/none", "/login"):
        assert b"set-cookie" not in request(wall, path)[1]
    assert visitors.everyone() == []


def test_a_crowd_without_cookies_does_not_fill_the_memory(build):
    wall, visitors = build(limits=Limits(sessions=5))
    for _ in range(20):
        assert request(wall)[0] == 200
    assert len(visitors.everyone()) == 5


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/", "GET", 303), ("/admin", "GET", 303), ("/login", "GET", 200),
        ("/theme.css", "GET", 401), ("/none", "GET", 401), ("/openapi.json", "GET", 401),
        ("/gradio_api/app_id", "GET", 401), ("/gradio_api/heartbeat/abc", "GET", 401),
        ("/gradio_api/upload", "POST", 401), ("/gradio_api/file=/x", "GET", 401),
        ("/gradio_api/run/predict", "POST", 401), ("/assets/x.js", "GET", 401),
        ("/login/", "GET", 200), ("/admin/cancel", "POST", 401), ("//login", "GET", 401),
        ("/login/../x", "GET", 401),
    ],
)  # fmt: skip
def test_with_a_login_nothing_is_open_but_the_login(build, path, method, status):
    wall, visitors = build(login=True)
    assert request(wall, path, method)[0] == status
    visitor = visitors.session_for(None)  # as one without a login
    headers = {"cookie": f"nst_tf={visitor.token}"}
    assert request(wall, path, method, headers)[0] == status


def test_who_has_logged_in_is_let_in(build):
    wall, visitors = build(login=True)
    headers = {"cookie": f"nst_tf={visitors.session_for(None, 'me').token}"}
    assert request(wall, "/", headers=headers)[0] == 200
    assert request(wall, "/none", headers=headers)[0] == 404


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"])
def test_other_methods_lead_nowhere(build, method):
    assert request(build()[0], "/", method)[0] == 404


@pytest.mark.parametrize(("size", "status"), [("", 411), ("x", 411), ("-1", 411), ("1001", 413)])
def test_bodies_say_how_long_they_are(build, size, status):
    wall, _ = build()
    headers = {"content-length": size}
    assert request(wall, "/gradio_api/upload", "POST", headers)[0] == status


def test_no_web_socket_is_opened(build):
    wall, _ = build()
    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(wall({"type": "websocket", "path": "/"}, None, send))
    assert sent == [{"type": "websocket.close", "code": 1008}]


def test_answers_lose_headers_that_let_other_sites_in(build):
    _, headers, _ = request(build()[0])
    assert b"access-control-allow-origin" not in headers
    assert headers[b"cross-origin-resource-policy"] == b"same-origin"


def test_every_page_has_a_nonce_of_its_own(build):
    wall, _ = build()
    policies = {request(wall)[1][b"content-security-policy"] for _ in range(3)}
    assert len(policies) == 3


@pytest.mark.parametrize(
    ("host", "name"),
    [("a:1", "a"), ("a", "a"), ("[::1]:80", "::1"), ("[::1]", "::1"), ("a.:1", "a"), (":1", ":1")],
)
def test_hosts_lose_their_ports(host, name):
    assert host_name(host) == name


def test_a_request_that_fails_is_one_line_of_the_log(tmp_path, caplog):
    async def failing(scope, receive, send):
        await send({"type": "http.response.start", "status": 500, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        raise OSError("no room\nin /tmp")

    wall = Wall(failing, rules(), Visitors(tmp_path / "runs"), lambda body: True, 1000)
    with caplog.at_level("ERROR"):
        status, _, _ = request(wall, "/")
    assert status == 500
    (record,) = caplog.records
    line = record.getMessage()
    assert line.startswith(r"GET '/' failed: OSError 'no room\nin /tmp' in test_wall.py, line ")
    assert record.exc_info is None


@pytest.mark.parametrize("path", ["/assets/", f"/assets/{'a' * 201}", "/pictures/x", "/pictures/"])
def test_addresses_of_odd_length_have_no_route(build, path):
    wall, _ = build()
    assert request(wall, path)[0] == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/mcp"), ("POST", "/mcp/upload"), ("GET", "/mcp/pictures/0123456789abcdef")],
)
def test_paths_of_guests_are_served_only_to_guests(build, method, path):
    wall, visitors = build(login=True)
    secret = {"cookie": f"nst_tf={visitors.session_for(None, 'me').token}"}
    assert request(wall, path, method, secret)[0] == 404
    wall, visitors = build(login=True, guests=True)
    assert request(wall, path, method, secret)[0] == 401
    login = {"authorization": f"Basic {base64.b64encode(b'me:secret').decode()}"}
    status, headers, _ = request(wall, path, method, login)
    assert status == 200
    assert b"set-cookie" not in headers
    assert request(wall, "/", headers=login)[0] == 303
