"""Routes that Gradio does not serve: logins, files, uploads and the list of runs."""

import asyncio
import io
import logging
import re
from collections.abc import Mapping

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from nst_tf.cli.request import MOST_COLORS
from nst_tf.page import guests
from nst_tf.page.admin import admin_page
from nst_tf.page.cookies import set_cookie
from nst_tf.page.drawings import MAX_BYTES, Drawing
from nst_tf.page.limits import Limits
from nst_tf.page.login import ADMIN, Accounts, LoginError, Throttle, log_in, login_page
from nst_tf.page.pictures import photo
from nst_tf.page.programs import PATH
from nst_tf.page.queue import RunQueue
from nst_tf.page.rules import Rules
from nst_tf.page.runs import Run
from nst_tf.page.uploads import store_upload
from nst_tf.page.visitor import Visitor
from nst_tf.page.visitors import Visitors
from nst_tf.utils.errors import UserError

LOG = logging.getLogger("nst_tf.page")

PICTURES = {
    ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp",
    ".gif": "image/gif", ".avif": "image/avif", ".bmp": "image/bmp",
}  # fmt: skip
"""Media types of the extensions that browsers show; they save all other files."""

NUMBER = re.compile(f"[2-{MOST_COLORS}]")  # of colours of regions by colour

PHOTO_SIDE = 2048  # maximum pixels of a photo that is compared with its picture

MAX_FORM_BYTES = 4000  # of a login


class Routes:
    """What is behind these addresses.

    Args:
        visitors: who is known.
        queue: the queue of runs.
        limits: of uploads.
        rules: of the wall.
        accounts: names and passwords.
        throttle: slows guessing down.
    """

    def __init__(
        self,
        visitors: Visitors,
        queue: RunQueue,
        limits: Limits,
        rules: Rules,
        accounts: Accounts,
        throttle: Throttle,
    ) -> None:
        self._visitors = visitors
        self._queue = queue
        self._limits = limits
        self._rules = rules
        self._accounts = accounts
        self._throttle = throttle

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/login", self.show_login, methods=["GET"]),
            Route("/login", self.login, methods=["POST"]),
            Route("/logout", self.logout, methods=["POST"]),
            Route("/admin", self.show_runs, methods=["GET"]),
            Route("/admin/cancel", self.cancel, methods=["POST"]),
            Route("/gradio_api/upload", self.upload, methods=["POST"]),
            Route("/gradio_api/upload_progress", self.progress, methods=["GET"]),
            Route("/regions", self.regions, methods=["POST"]),
            Route("/gradio_api/file={text:path}", self.file, methods=["GET"]),
            Route("/pictures/{run}", self.picture, methods=["GET"]),
            Route("/pictures/{run}/photo", self.photo, methods=["GET"]),
            Route(f"{guests.PATH}/upload", self.upload, methods=["POST"]),
            Route(f"{guests.PATH}/pictures/{{run}}", self.picture, methods=["GET"]),
            Route(f"{PATH}/login", self.login, methods=["POST"]),
            Route(f"{PATH}/gradio_api/upload", self.upload, methods=["POST"]),
            Route(f"{PATH}/gradio_api/file={{text:path}}", self.file, methods=["GET"]),
        ]

    async def show_login(self, request: Request) -> Response:
        """Show the login form."""
        if not self._accounts.passwords:
            return self._to("/")
        return HTMLResponse(login_page(f"{self._rules.root}/login"))

    async def login(self, request: Request) -> Response:
        """Log a visitor in who has the password, with a new secret."""
        address = request.client.host if request.client else ""
        form = await _form(request)
        name, password = (str(form.get(field, "")) for field in ("username", "password"))
        try:
            await log_in(self._accounts, self._throttle, address, name, password)
        except LoginError as error:
            if error.wait:
                return self._login_again(429, str(error), {"Retry-After": f"{error.wait:.0f}"})
            return self._login_again(401, str(error))
        visitor = self._visitors.session_for(None, name, admin=name == ADMIN)
        if request.url.path.endswith(f"{PATH}/login"):
            answer: Response = JSONResponse(None)  # programs do not follow to a page
        else:
            answer = self._to("/admin" if visitor.admin else "/")
        _add_header(answer, set_cookie(self._rules, request.scope, visitor.token))
        return answer

    async def logout(self, request: Request) -> Response:
        """Forget a visitor."""
        visitor = _visitor(request)
        LOG.info("logout: %s", ascii(visitor.user or visitor.name))
        self._visitors.forget(visitor)
        answer = self._to("/login" if self._accounts.passwords else "/")
        _add_header(answer, set_cookie(self._rules, request.scope, "", 0))
        return answer

    async def show_runs(self, request: Request) -> Response:
        """Show the administrator all runs."""
        if not _visitor(request).admin:
            return self._to("/login") if ADMIN in self._accounts.passwords else _missing()
        return HTMLResponse(admin_page(self._visitors.everyone(), self._queue, self._rules.root))

    async def cancel(self, request: Request) -> Response:
        """Let the administrator end a run."""
        if not _visitor(request).admin:
            return _missing()
        name = str((await _form(request)).get("run", ""))
        for visitor in self._visitors.everyone():
            for run in visitor.runs:
                if run.name == name and run.active:
                    LOG.info("run %s of %s: cancelled by the administrator", name, visitor.name)
                    self._queue.cancel(run)
        return self._to("/admin")

    async def file(self, request: Request) -> Response:
        """Serve a visitor a file of its own, or a sample."""
        try:
            path = _visitor(request).own_file(request.path_params["text"])
        except UserError:
            return _missing()
        kind = PICTURES.get(path.suffix.lower())
        if kind:
            return FileResponse(path, media_type=kind)
        return FileResponse(path, media_type="application/octet-stream", filename=path.name)

    async def picture(self, request: Request) -> Response:
        """Serve the picture of a visitor's run."""
        run = _run(request)
        if run is None or not run.picture:
            return _missing()
        return FileResponse(run.picture, media_type=PICTURES[run.picture.suffix])

    async def photo(self, request: Request) -> Response:
        """Serve the photo of a visitor's run, as large as the picture's pixels can show it."""
        run = _run(request)
        if run is None:
            return _missing()
        try:
            data = await asyncio.to_thread(_photo_file, run)
        except UserError:  # the run has just been deleted
            return _missing()
        return Response(data, media_type="image/jpeg")

    async def upload(self, request: Request) -> Response:
        """Store files of a visitor within its quota, and return their paths."""
        visitor = _visitor(request)
        try:
            self._limits.check_uploads(1, int(request.headers["content-length"]))
            form = await request.form(max_files=self._limits.files, max_fields=4)
        except UserError as error:
            return _problem(413, str(error))
        except (MultiPartException, HTTPException):
            return _problem(400, f"these are not files, or more than {self._limits.files}")
        try:
            files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
            return JSONResponse(await asyncio.to_thread(self._store_files, visitor, files))
        except UserError as error:
            return _problem(413, str(error))
        except OSError as error:
            LOG.warning("an upload cannot be stored: %s", error)
            return _problem(507, "the server has no room for the file: try again later")
        finally:
            await form.close()

    async def progress(self, request: Request) -> Response:
        """Report an upload as done: the browser tracks the progress itself."""
        return Response('data: {"msg": "done"}\n\n', media_type="text/event-stream")

    async def regions(self, request: Request) -> Response:
        """Store the drawing of the editor, which sends it before the event that needs it."""
        if int(request.headers["content-length"]) > MAX_BYTES + MAX_FORM_BYTES:
            return _problem(413, "the painted regions are too large: use fewer regions")
        try:
            form = await request.form(max_files=1, max_fields=3)
            picture, colors = form.get("file"), form.get("colors")
            drawing = None
            if isinstance(picture, UploadFile):
                number = int(colors) if isinstance(colors, str) and NUMBER.fullmatch(colors) else 0
                drawing = Drawing(await picture.read(), number)
            _visitor(request).store_drawing(form.get("name"), drawing)
        except (MultiPartException, HTTPException, UserError):
            return _problem(400, "these are not painted regions")
        await form.close()
        return JSONResponse(None)

    def _store_files(self, visitor: Visitor, files: list[UploadFile]) -> list[str]:
        """Store files of a visitor, and each file only once, and return their paths."""
        sizes = [file.size or 0 for file in files]
        if max(sizes, default=0) > self._limits.upload_bytes:
            most = self._limits.upload_bytes / 1e6
            raise UserError(f"the file is too large: at most {most:g} megabytes are accepted")
        self._limits.check_uploads(len(files), sum(sizes))
        return [
            store_upload(visitor, self._limits, file.filename or "", file.file, size)
            for file, size in zip(files, sizes, strict=True)
        ]

    def _login_again(
        self, status: int, problem: str, headers: Mapping[str, str] | None = None
    ) -> Response:
        page = login_page(f"{self._rules.root}/login", problem)
        return HTMLResponse(page, status, headers)

    def _to(self, path: str) -> Response:
        return RedirectResponse(f"{self._rules.root}{path}", 303)


def _visitor(request: Request) -> Visitor:
    return request.scope["nst_tf.visitor"]


def _run(request: Request) -> Run | None:
    """Return the visitor's run that the address names, or None."""
    name = request.path_params["run"]
    return next((run for run in _visitor(request).runs if run.name == name), None)


def _photo_file(run: Run) -> bytes:
    """Return the photo of a run as a JPEG file."""
    file = io.BytesIO()
    photo(run, PHOTO_SIDE).save(file, "JPEG", quality=90)
    return file.getvalue()


def _problem(status: int, message: str) -> Response:
    return JSONResponse({"error": message, "detail": message}, status)


def _missing() -> Response:
    return _problem(404, "not found")


def _add_header(answer: Response, header: tuple[bytes, bytes]) -> None:
    answer.raw_headers.append(header)


async def _form(request: Request) -> Mapping[str, object]:
    """Return the fields of a small form; none if the form is larger than a login."""
    if int(request.headers["content-length"]) > MAX_FORM_BYTES:
        return {}
    try:
        return await request.form(max_files=0, max_fields=4)
    except (MultiPartException, HTTPException):
        return {}
