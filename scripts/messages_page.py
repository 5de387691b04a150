"""The page of messages, from the source: docs/messages.md.

    python scripts/messages_page.py

collects the texts of errors that users may see, of warnings, and of what the programs print.
"""

import ast
import builtins
import collections
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import TypeGuard

from record import ROOT

PAGE = ROOT / "docs" / "messages.md"
PACKAGE = ROOT / "nst_tf"

HEAD = """\
# Messages

`scripts/messages_page.py` generates this page from the source. It lists every error, warning and
line that users may see, except help, progress bars, the page's labels, and the formats that
[control](control.md#picture-files) lists. Words in braces stand for values; words in brackets
appear only sometimes.

| package | kind | message |
|---|---|---|
"""

DEPTH = 3  # of functions and variables that are followed to the texts they stand for

OS_ERRORS = {
    name
    for name, kind in vars(builtins).items()
    if isinstance(kind, type) and issubclass(kind, OSError)
}

PRINTED = {"warn": "warning", "print_out": "output", "print_error": "error"}
WARNING = "warning: "  # which the programs print before a warning
LOGGED = ("info", "warning", "error")

Message = tuple[str, str, str]  # package, kind, text
Function = ast.FunctionDef | ast.AsyncFunctionDef


class Source:
    """The parsed modules of a package, with the texts that names stand for."""

    def __init__(self, root: Path) -> None:
        self.modules = {
            path.relative_to(root): ast.parse(path.read_text(encoding="utf-8"))
            for path in sorted(root.rglob("*.py"))
        }
        nodes = [node for module in self.modules.values() for node in ast.walk(module)]
        functions = [node for node in nodes if isinstance(node, Function)]
        names = [function.name for function in functions]
        self.functions = {
            function.name: function for function in functions if names.count(function.name) == 1
        }
        self.errors = OS_ERRORS | {
            node.name
            for node in nodes
            if isinstance(node, ast.ClassDef) and node.name.endswith("Error")
        }
        constants = [
            (target.id, node.value)
            for module in self.modules.values()
            for node in module.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name) and target.id.isupper()
        ]
        named = collections.Counter(name for name, _ in constants)
        self.constants = {name: value for name, value in constants if named[name] == 1}

    def messages(self) -> Iterator[Message]:
        """Yield every message."""
        for path, module in self.modules.items():
            package = path.parts[0].removesuffix(".py")
            for scope, call in calls(module, None):
                kind = self.kind(call)
                if kind and call.args:
                    for text in self.texts(call.args[0], scope, DEPTH):
                        if is_telling(text):
                            is_warning = text.startswith(WARNING)
                            yield (
                                package,
                                "warning" if is_warning else kind,
                                text.removeprefix(WARNING),
                            )

    def kind(self, call: ast.Call) -> str | None:
        """Return the kind of message that a call makes, or None."""
        name = called(call)
        if name in self.errors:
            return "error"
        if isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == "LOG":
            return "log" if name in LOGGED else None
        return PRINTED.get(name)

    def texts(self, node: ast.expr, scope: Function | None, depth: int) -> Iterator[str]:
        """Yield the texts that an expression may have."""
        if isinstance(node, ast.Name) and node.id in self.constants:
            yield from self.texts(self.constants[node.id], None, depth)
        elif isinstance(node, ast.Name) and depth and scope:
            for value in assigned(node.id, scope):
                yield from self.texts(value, scope, depth - 1)
        elif is_joined(node):
            for start, end in itertools.product(
                self.texts(node.left, scope, depth), self.texts(node.right, scope, depth)
            ):
                yield start + end
        elif isinstance(node, ast.IfExp):
            yield from self.texts(node.body, scope, depth)
            yield from self.texts(node.orelse, scope, depth)
        elif isinstance(node, ast.Call) and called(node) in self.functions and depth:
            function = self.functions[called(node)]
            for part in ast.walk(function):
                if isinstance(part, ast.Return) and part.value:
                    yield from self.texts(part.value, function, depth - 1)
        else:
            yield self.written(node)

    def written(self, node: ast.expr) -> str:
        """Return an expression as text, with names in braces for what is not known."""
        if isinstance(node, ast.Constant):
            return str(node.value)
        if isinstance(node, ast.JoinedStr):
            return "".join(map(self.written, node.values))
        if isinstance(node, ast.FormattedValue):
            return self.written(node.value)
        if is_joined(node):
            return self.written(node.left) + self.written(node.right)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            return f"[{self.written(node.left)}]"
        if isinstance(node, ast.Name) and isinstance(self.constants.get(node.id), ast.Constant):
            return self.written(self.constants[node.id])
        if isinstance(node, ast.Call) and called(node) == "counted":
            count, noun = node.args
            return f"{self.written(count)} {self.written(noun)}s"
        return f"{{{field_name(node)}}}"


def is_joined(node: ast.expr) -> TypeGuard[ast.BinOp]:
    """Return whether an expression is a sum of texts."""
    if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add)):
        return False
    parts = list(ast.walk(node))
    return not any(isinstance(part, ast.Constant) and isinstance(part.value, int) for part in parts)


def calls(node: ast.AST, scope: Function | None) -> Iterator[tuple[Function | None, ast.Call]]:
    """Yield the calls below a node, each with the function around it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call):
            yield scope, child
        yield from calls(child, child if isinstance(child, Function) else scope)


def called(call: ast.Call) -> str:
    """Return the name of what is called, without the object or module that it belongs to."""
    function = call.func
    return getattr(function, "attr", getattr(function, "id", ""))


def assigned(name: str, scope: Function) -> Iterator[ast.expr]:
    """Yield the values that a function assigns to a variable."""
    for node in ast.walk(scope):
        targets = node.targets if isinstance(node, ast.Assign) else []
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            yield node.value


def field_name(node: ast.expr) -> str:
    """Return a name for the value of an expression: its variable's, field's or function's."""
    if isinstance(node, ast.Name):
        return node.id.strip("_")
    if isinstance(node, ast.Attribute):
        return node.attr.strip("_")
    if isinstance(node, ast.Call):
        name = called(node)
        if name in ("len", "str", "repr", "map", "sorted", "list", "round", "max", "min", "join"):
            return field_name(node.args[-1]) if node.args else "value"
        return name.strip("_")
    if isinstance(node, ast.Subscript):
        return field_name(node.value)
    if isinstance(node, (ast.GeneratorExp, ast.ListComp)):
        return field_name(node.generators[0].iter)
    if isinstance(node, ast.BinOp):
        return field_name(node.left)
    return "value"


def is_telling(text: str) -> bool:
    """Return whether a text is a line with words of its own, besides those of its fields."""
    if "\n" in text:
        return False  # a screen of help
    depth, own = 0, ""
    for letter in text:
        depth += (letter == "{") - (letter == "}")
        own += letter if not depth and letter.isalpha() else ""
    return len(own) > 3


def page() -> str:
    """Return the text of the page."""
    rows = sorted(set(Source(PACKAGE).messages()))
    return HEAD + "".join(
        f"| {package} | {kind} | {escaped(text)} |\n" for package, kind, text in rows
    )


def escaped(text: str) -> str:
    """Return a text as a cell of a table."""
    for sign in "\\|<*[":
        text = text.replace(sign, "\\" + sign)
    return text


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
