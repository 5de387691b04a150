"""The page as attackers use it: by hand, over HTTP, against the real server."""

import json
import os
import re
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from nst_tf.page.drawings import MAX_BYTES
from nst_tf.page.visitor import FILE_GONE
from tests.conftest import ASSETS
from tests.page.caller import Caller, as_file, paths_in, picture, shows

pytestmark = pytest.mark.process


@pytest.fixture
def visitor(address):
    return Caller(address)


@pytest.fixture
def private(tmp_path):
    """A picture on the server that no visitor has uploaded, and other ways to name it."""
    path = tmp_path / "private.png"
    path.write_bytes(picture())
    link = tmp_path / "link.png"
    link.symlink_to(path)
    return path, link


def forms(path):
    """Yield a path in every form in which a component could send it."""
    file = {"path": str(path)}
    for one in (file, as_file(str(path)), {**file, "url": f"file://{path}"}):
        yield one
        yield [one]
        yield [{"image": one, "caption": None}]
        yield {"background": one, "layers": [one], "composite": one}
    yield str(path)


def clicks(event):
    """Return what the page sends of a click, for an event that is one."""
    chosen = any(name == "select" for _, name in event["targets"])
    return {"index": 0, "value": None} if chosen else None


def places(visitor, event):
    """Return one input of an event for each type of component: the first one."""
    types = [visitor.components[number]["type"] for number in event["inputs"]]
    return [place for place, kind in enumerate(types) if kind not in types[:place]]


def answers(visitor, values):
    """Send each value to one input of each type of each event, and return the answers.

    Several calls are under way at once: most of a call's time is waiting.
    """

    def call(event, place, value):
        data = visitor.usual(event)
        data[place] = value
        return visitor.call(event, data, clicks(event))

    tries = [
        (event, place, value)
        for event in visitor.events()
        for place in places(visitor, event)
        for value in values
    ]
    with ThreadPoolExecutor(6) as pool:
        return list(pool.map(call, *zip(*tries, strict=True)))


def test_no_event_shows_a_picture_of_the_server(visitor, private):
    """Send the inputs of each event a path outside; nothing that comes back shows the picture."""
    found = answers(visitor, [form for path in private for form in forms(path)])
    for answer in found:
        assert answer.status_code == 200
        assert not any(str(path) in answer.text for path in private)
        assert not any(map(shows, visitor.served(answer)))
    assert len(found) > 300


@pytest.mark.parametrize(
    "form",
    [
        {"path": "/proc/self/cwd/setup.cfg"}, {"path": "../../etc/passwd"}, {"path": "a\0b"},
        {"path": ["/etc/passwd"]}, {"path": {}}, {"path": None}, {"path": "http://localhost/"},
        ["/etc/passwd"], [[]], [None], {"image": 3}, {}, [], 3, -1e308, "", "\0", "a\nb", True,
        "x" * 5000, {"id": {}}, {"id": "unknown"}, {"layers": 7}, {"__type__": "update"},
    ],
)  # fmt: skip
def test_values_of_the_wrong_kind_are_a_sentence_and_no_error(visitor, form):
    """Send inputs a value that their components never send; no event fails because of it."""
    for answer in answers(visitor, [form]):
        assert answer.status_code == 200
        assert "Traceback" not in answer.text


@pytest.mark.parametrize("index", [-1, 99, 1.5, "0", None, [0], True])
def test_clicks_on_what_is_not_there_choose_nothing(visitor, index):
    for event in visitor.events():
        if clicks(event):
            click = {"index": index, "value": None}
            answer = visitor.call(event, visitor.usual(event), click)
            assert answer.status_code == 200
            assert not paths_in(answer.json())


def test_all_that_is_not_the_visitors_gets_one_answer(visitor, tmp_path, private):
    """Compare the answers for a file, a folder, a hidden file and nothing at all."""
    hidden = tmp_path / "hidden.png"
    hidden.write_bytes(picture())
    hidden.chmod(0)
    event = visitor.event("photo", "change")
    answers = set()
    for path in (private[0], tmp_path, hidden, tmp_path / "none.png", "/etc/passwd", "/proc/1/cwd"):
        answer = visitor.call(event, [as_file(str(path)), None]).json()
        answers.add(json.dumps(answer["data"]))
    (only,) = answers
    assert FILE_GONE in only


def test_files_of_another_visitor_are_as_good_as_gone(address, visitor):
    other = Caller(address)
    (theirs,) = other.upload(("theirs.png", picture()))
    assert shows(other.http.get(f"/gradio_api/file={theirs['path']}").content)
    assert visitor.http.get(f"/gradio_api/file={theirs['path']}").status_code == 404
    answer = visitor.call(visitor.event("photo", "change"), [theirs, None])
    assert FILE_GONE in answer.text
    (mine,) = visitor.upload(("mine.png", picture((0, 0, 0))))
    for photo, paintings in ((theirs, [mine]), (mine, [theirs]), (mine, [mine, theirs])):
        assert FILE_GONE in visitor.paint(photo, paintings).text


def test_a_link_that_takes_the_place_of_an_upload_is_not_followed(visitor, private):
    (mine,) = visitor.upload(("mine.png", picture((0, 0, 0))))
    os.unlink(mine["path"])
    os.symlink(private[0], mine["path"])
    assert visitor.http.get(f"/gradio_api/file={mine['path']}").status_code == 404
    assert FILE_GONE in visitor.paint(mine, [mine]).text


def test_everything_is_checked_when_a_run_begins(visitor, tmp_path):
    """Ask for runs as no page would: each is refused in a sentence, whatever was checked before."""
    (mine, text) = visitor.upload(("mine.png", picture()), ("text.png", b"no picture"))
    from PIL import Image

    bomb = tmp_path / "bomb.png"
    Image.new("1", (20000, 20000)).save(bomb)
    (large,) = visitor.upload(("bomb.png", bomb.read_bytes()))
    for photo, paintings, words in (
        (mine, [text], "text.png is not a picture"),
        (mine, [mine, large], "too many pixels"),
        (large, [mine], "too many pixels"),
        (mine, [mine] * 9, "at most 8 pictures"),
    ):
        assert words in visitor.paint(photo, paintings).text


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("field-steps_per_epoch", "1000000000000000000", "a run may have 10000 here"),
        ("field-epochs", "1000000000", "a run may have 10000 here"),
        ("max_dim", 5000, "max_dim must be from 1 to 4961"),
        ("max_dim", float("1e300"), "a number must be from"),
        ("field-epochs", "1\n2", "no control characters"),
        ("field-epochs", "9" * 600, "at most 500 characters"),
    ],
)
def test_no_run_keeps_a_device_for_years(visitor, field, value, words):
    (mine,) = visitor.upload(("mine.png", picture()))
    assert words in visitor.paint(mine, [mine], **{field: value}).text


def test_uploads_keep_within_a_quota(visitor):
    """Upload too many at once, which is refused, and too many in turn, which drops the oldest."""
    parts = [("files", (f"{n}.png", b"x")) for n in range(300)]
    assert visitor.http.post("/gradio_api/upload", files=parts).status_code == 400
    first, *_ = [visitor.upload((f"{n}.png", b"%d" % n))[0] for n in range(61)]
    assert visitor.http.get(f"/gradio_api/file={first['path']}").status_code == 404
    folder = os.path.dirname(os.path.dirname(first["path"]))
    assert len(os.listdir(folder)) == 60


def test_a_file_that_is_uploaded_twice_is_kept_once(visitor):
    one, two = (visitor.upload(("a.png", picture()))[0] for _ in range(2))
    assert one == two


def test_uploads_have_safe_names_and_are_saved_not_shown(visitor):
    names = ("../../../x.png", "a'b\"c.html", "..", "x.svg")
    for file in visitor.upload(*((name, b"<script>") for name in names)):
        path = file["path"]
        assert re.search(r"/uploads/[0-9a-f]{32}/[\w.+()-]+$", path)
        answer = visitor.http.get(f"/gradio_api/file={path}")
        if not path.endswith(".png"):
            assert answer.headers["content-type"] == "application/octet-stream"
            assert answer.headers["content-disposition"].startswith("attachment")
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("host", ["evil.example:7860", "evil.example", "127.0.0.1.evil.example"])
def test_the_page_is_not_there_under_names_of_others(address, host):
    """Send requests as a page does whose name leads here: DNS rebinding."""
    for method, path in (("GET", "/"), ("POST", "/gradio_api/upload"), ("OPTIONS", "/")):
        answer = httpx.request(method, f"{address.rstrip('/')}{path}", headers={"host": host})
        assert answer.status_code == 421
        assert "set-cookie" not in answer.headers
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_forwarded_headers_of_anybody_are_not_believed(address):
    headers = {"x-forwarded-host": "evil.example", "x-forwarded-proto": "https",
               "forwarded": "host=evil.example"}  # fmt: skip
    visitor = Caller(address, headers=headers)
    assert "evil" not in json.dumps(visitor.config)
    assert visitor.config["root"].startswith("http://127.0.0.1")


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"}, {"origin": "null"}, {"origin": "http://127.0.0.1:1"},
        {"origin": "file://"}, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"},
    ],
)  # fmt: skip
def test_changes_come_from_the_page_alone(visitor, headers):
    for path in ("gradio_api/upload", "gradio_api/run/predict", "logout", "admin/cancel"):
        files = [("files", ("a.png", picture()))]
        answer = visitor.http.post(path, files=files, headers=headers)
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers
    own = {"origin": str(visitor.http.base_url).rstrip("/"), "sec-fetch-site": "same-origin"}
    files = [("files", ("a.png", picture()))]
    assert visitor.http.post("gradio_api/upload", files=files, headers=own).status_code == 200


def test_every_answer_has_the_headers_that_protect_it(visitor):
    (mine,) = visitor.upload(("mine.png", picture()))
    for path in ("", "none", f"gradio_api/file={mine['path']}", "theme.css"):
        headers = visitor.http.get(path).headers
        assert headers["x-frame-options"] == "DENY"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe-inline" not in headers["content-security-policy"].split("style-src")[0]


def test_only_what_the_page_needs_is_served(visitor):
    """Ask for Gradio's other addresses: the queue, proxies, documentation, named events."""
    for path in (
        "config", "gradio_api/info", "gradio_api/openapi.json", "gradio_api/app_id", "docs",
        "gradio_api/queue/status", "gradio_api/proxy=http://127.0.0.1/", "openapi.json",
        "monitoring",
        "gradio_api/file=http://127.0.0.1/", "gradio_api/file=/etc/passwd", "gradio_api/vibe-code",
        "gradio_api/file=../../../../etc/passwd", "gradio_api/file=..%2f..%2fetc%2fpasswd",
        "gradio_api/file=/proc/self/environ", "gradio_api/file=setup.cfg", "file=/etc/passwd",
        "gradio_api/file=//etc/passwd", "gradio_api/file=/etc/./passwd",
        "gradio_api/file/etc/passwd",
        "gradio_api/file=....//....//etc/passwd", "gradio_api/file=%00/etc/passwd",
        "gradio_api/stream/a/b/1/playlist.m3u8", "gradio_api/dev/reload", "gradio_api/deep_link",
        "static/../../../../etc/passwd", "static/..%2f..%2fblocks.py", "assets/%2e%2e/index.html",
        "mcp", "mcp/upload", "mcp/pictures/0123456789abcdef",
        "gradio_api/mcp", "svelte/x", "gradio_api/user", "gradio_api/token",
    ):  # fmt: skip
        answer = visitor.http.get(path)
        assert answer.status_code in (400, 403, 404), path
        assert "root:" not in answer.text
    for path in ("run/photo_chosen", "api/predict", "call/begin", "queue/join", "run/event",
                 "cancel", "reset", "process_recording"):  # fmt: skip
        body = {"data": [{"path": "/etc/passwd"}], "fn_index": None, "session_hash": "a"}
        answer = visitor.http.post(f"gradio_api/{path}", json=body)
        assert answer.status_code in (400, 404), path


def test_no_event_has_a_name_for_programs(visitor):
    for event in visitor.events():
        assert event["api_visibility"] == "private"
        assert event["api_name"] in (None, False) or event["api_name"].startswith("event")


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"[]", b"{", b"[" * 100_000, b'{"fn_index": 0}', b"\xff",
        b'{"fn_index": 99999, "data": [], "session_hash": "a"}',
        b'{"fn_index": true, "data": [], "session_hash": "a"}',
        b'{"fn_index": 0, "data": {}, "session_hash": "a"}',
        b'{"fn_index": 0, "data": [null], "session_hash": "../../a"}',
        b'{"fn_index": 0, "data": [null, null, null], "session_hash": "a"}', b"x" * 300_000,
    ],
)  # fmt: skip
def test_what_is_not_a_call_is_refused_before_gradio(visitor, body):
    headers = {"content-type": "application/json"}
    answer = visitor.http.post("/gradio_api/run/predict", content=body, headers=headers)
    assert answer.status_code == 400


def test_regions_belong_to_who_has_painted_them(address, visitor):
    """Store regions under a name; another visitor who knows the name gets nothing of them."""
    other = Caller(address)
    for one, name in ((other, "secret"), (visitor, "mine")):
        files = {"file": ("a.png", b"text")}
        answer = one.http.post("/regions", data={"name": name, "colors": "0"}, files=files)
        assert answer.status_code == 200
    (mine,) = visitor.upload(("mine.png", picture()))
    assert "painted regions cannot be read" in visitor.paint(mine, [mine], drawing="mine").text
    assert "regions are no longer here" in visitor.paint(mine, [mine], drawing="secret").text
    answer = visitor.http.post("/regions", data={"name": "../x"}, files={"file": ("a.png", b"")})
    assert answer.status_code == 400
    answer = visitor.http.post("/regions", files={"file": ("a.png", bytes(MAX_BYTES + 5000))})
    assert answer.status_code == 413


def test_samples_are_everybodys(address, visitor):
    """Choose samples as two visitors: the page serves them to both."""
    for one in (visitor, Caller(address)):
        for part in ("sample-photos", "sample-paintings"):
            event = one.event(part, "select")
            answer = one.call(event, one.usual(event), {"index": 1, "value": None})
            assert one.served(answer)
    shown = json.dumps(visitor.config)
    for path in set(re.findall(r'"path": "([^"]+\.jpg)"', shown)):
        assert visitor.http.get(f"/gradio_api/file={path}").status_code == 200
    assert (ASSETS / "cat.jpg").exists()
