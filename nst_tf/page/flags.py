"""The flags of `nst-tf-app`: definition, parsing and help."""

import ipaddress
import math
import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from absl import flags

from nst_tf.cli.arguments import UsageError, normalised
from nst_tf.compute.device import DEVICES
from nst_tf.utils.errors import UserError
from nst_tf.validation import parse_duration

if TYPE_CHECKING:
    from nst_tf.page.options import ServerOptions

HOSTED_RUN = "30min"  # default --max-run-time of a page that other machines reach

HELP = """\
Open the live page: drop a photo and a painting, and watch the picture grow.

  nst-tf-app [--open] [FLAGS]
  --open                       open the page in a browser
  --port 7860                  port to listen on (the first free one from 7860)
  --device auto                auto, cpu, gpu or gpu:1; repeat it for several
  --mcp                        serve the tool `paint` for assistants at /mcp
For others (see docs/page.md):
  --host 127.0.0.1             address; all but loopback need a login
  --user NAME --password WORD  login of visitors (or NST_TF_PASSWORD)
  --admin-password WORD        password of "admin", who manages runs at /admin
                               (or NST_TF_ADMIN_PASSWORD)
  --allowed-host NAME          host name under which browsers reach the page
  --trusted-proxy ADDRESS      proxy whose forwarded headers are trusted
  --root-path /paint           prefix of the page's URL behind a proxy
  --max-run-time 30min         longest run; 0: unlimited (default on loopback)
  --max-steps 10000            steps of a run
  --max-side 4961              pixels of a picture's long side
  --max-megabytes 64           size of an upload
  --max-megapixels 100         pixels of an upload
  --max-session-files 60       stored uploads of a visitor
  --max-session-megabytes 512  total size of these uploads
  --max-session-runs 20        stored pictures of a visitor

Pictures stay on this machine and are deleted an hour after their last use."""


def define_flags() -> flags.FlagValues:
    """Define the flags of the page."""
    values = flags.FlagValues()
    values.set_gnu_getopt(True)
    flags.DEFINE_string("host", "127.0.0.1", "address", flag_values=values)
    flags.DEFINE_integer("port", None, "port", 1, 65535, flag_values=values)
    flags.DEFINE_string("user", None, "name of visitors", flag_values=values)
    flags.DEFINE_string("password", None, "their password", flag_values=values)
    flags.DEFINE_string("admin_password", None, "of the administrator", flag_values=values)
    flags.DEFINE_multi_string("allowed_host", [], "further names", flag_values=values)
    flags.DEFINE_multi_string("trusted_proxy", [], "addresses of proxies", flag_values=values)
    flags.DEFINE_string("root_path", "", "prefix of the address", flag_values=values)
    flags.DEFINE_string("max_run_time", None, "of a run", flag_values=values)
    flags.DEFINE_integer("max_steps", 10_000, "of a run", 1, flag_values=values)
    flags.DEFINE_integer("max_side", 4961, "of a picture", 128, flag_values=values)
    flags.DEFINE_multi_string("device", ["auto"], "devices", flag_values=values)
    for name, usual in (
        ("max_megabytes", 64.0), ("max_megapixels", 100.0), ("max_session_megabytes", 512.0)
    ):  # fmt: skip
        flags.DEFINE_float(name, usual, "of uploads", 0.001, flag_values=values)
    flags.DEFINE_integer("max_session_runs", 20, "of a visitor", 1, flag_values=values)
    flags.DEFINE_integer("max_session_files", 60, "of a visitor", 1, flag_values=values)
    flags.DEFINE_boolean("mcp", False, "tool for assistants", flag_values=values)
    flags.DEFINE_boolean("open", False, "open a browser", flag_values=values)
    flags.DEFINE_boolean("help", False, "print this", flag_values=values)
    return values


def parse(argv: Sequence[str]) -> flags.FlagValues:
    """Return the parsed flags.

    Raises:
        UsageError: a flag is unknown or not valid, or the page would be open to other machines
            without a login.
    """
    values = define_flags()
    try:
        rest = values([argv[0], *normalised(argv[1:], values)])[1:]
    except flags.Error as error:
        raise UsageError(" ".join(str(error).split())) from None
    if values.help:
        return values
    if rest:
        raise UsageError(f"{rest[0]!r} is not a flag: choose the pictures on the page")
    for name in ("max_megabytes", "max_megapixels", "max_session_megabytes"):
        if not math.isfinite(size := float(values[name].value or 0)):
            raise UsageError(f"--{name} must be a finite number, not {size}")
    for device in values.device:
        if not DEVICES.fullmatch(device):
            raise UsageError(f"--device {device!r} is not auto, cpu, gpu or gpu:NUMBER")
    values["password"].value = values.password or os.environ.get("NST_TF_PASSWORD")
    values["admin_password"].value = values.admin_password or os.environ.get(
        "NST_TF_ADMIN_PASSWORD"
    )
    if bool(values.user) != bool(values.password):
        raise UsageError("--user and --password belong together: give both or neither")
    if values.user == "admin":
        raise UsageError('--user must not be "admin", which is the login of --admin-password')
    if not is_loopback(values.host) and not values.user:
        raise UsageError(f"--host {values.host} lets other machines in: add --user and --password")
    server_options(values)
    return values


def server_options(values: flags.FlagValues) -> "ServerOptions":
    """Return the server's options from the flags.

    Raises:
        UsageError: a value is not valid; the message names it and the remedy.
    """
    from nst_tf.page.limits import Limits
    from nst_tf.page.login import ADMIN, Accounts
    from nst_tf.page.options import ServerOptions
    from nst_tf.page.rules import Rules

    root = values.root_path.rstrip("/")
    if root and not re.fullmatch(r"(/[\w.~-]+)+", root):
        raise UsageError(f"--root_path must be a path such as /paint, not {values.root_path!r}")
    try:
        proxies = [ipaddress.ip_network(one, strict=False) for one in values.trusted_proxy]
    except ValueError as error:
        raise UsageError(f"--trusted_proxy must be an address or a network: {error}") from None
    time = values.max_run_time or (HOSTED_RUN if is_hosted(values) else "0")
    try:
        seconds = parse_duration("max_run_time", time)
    except UserError as error:
        raise UsageError(f"--{error}") from None
    passwords = {values.user: values.password, ADMIN: values.admin_password}
    return ServerOptions(
        Rules(
            values.host,
            frozenset(name.lower().rstrip(".") for name in values.allowed_host),
            tuple(proxies),
            root,
            login=bool(values.user),
        ),
        Accounts({name: word for name, word in passwords.items() if name and word}),
        Limits(
            upload_bytes=int(values.max_megabytes * 1e6),
            pixels=int(values.max_megapixels * 1e6),
            side=values.max_side,
            steps=values.max_steps,
            run_seconds=seconds,
            files=values.max_session_files,
            kept=values.max_session_runs,
            session_bytes=int(values.max_session_megabytes * 1e6),
        ),
        values.device,
        values.port,
        values.mcp,
    )


def is_hosted(values: flags.FlagValues) -> bool:
    """Return whether the flags let users of other machines reach the page."""
    return bool(not is_loopback(values.host) or values.trusted_proxy or values.allowed_host)


def is_loopback(host: str) -> bool:
    """Return whether an address is reachable only from this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
