"""A fault of a Python module planted in place, where others have imported it already.

What others hold of the module stays the same object: the code of functions and methods is exchanged, constants are set
wherever they were imported by name. What was computed from a constant at import stays as it was, so that a fault may be
missed, none is seen that is not there.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
import types
from collections.abc import Iterator
from typing import Any, Final

OURS: Final = ("oracle", "models", "tests")
# Of a class, what Python itself puts there
OWN: Final = {"__dict__", "__weakref__", "__doc__", "__module__", "__annotations__", "__slots__", "__match_args__"}
Plain = types.FunctionType


def plant(file: str, source: str) -> None:
    """Changes the imported module into what its source would have made of it."""
    old = importlib.import_module(_name(file))
    new = types.ModuleType(old.__name__)
    new.__file__ = old.__file__
    exec(compile(source, str(old.__file__), "exec"), new.__dict__)
    for name, value in vars(new).items():
        if not name.startswith("__"):
            _exchange(old, name, value)


def _exchange(old: types.ModuleType, name: str, value: Any) -> None:
    before = vars(old).get(name)
    if isinstance(before, type) and isinstance(value, type) and before.__module__ == old.__name__:
        _exchange_class(before, value)
    elif not _exchange_code(before, value) and repr(before) != repr(value):
        for module in list(_ours()):
            if vars(module).get(name) is before:
                setattr(module, name, value)
        setattr(old, name, value)


def _exchange_class(before: type, value: type) -> None:
    for name, member in list(vars(value).items()):
        now = vars(before).get(name)
        if name in OWN or _exchange_code(now, member) or repr(now) == repr(member):
            continue
        with contextlib.suppress(AttributeError, TypeError):
            setattr(before, name, member)
    for name in set(vars(before)) - set(vars(value)) - OWN:
        with contextlib.suppress(AttributeError, TypeError):
            delattr(before, name)
    if "__dataclass_fields__" in vars(before) and "__init__" in vars(value):
        before.__init__ = vars(value)["__init__"]  # type: ignore[misc] # defaults stand in its closure


def _exchange_code(before: Any, value: Any) -> bool:
    """Whether both were functions, so that the old one now does what the new one does."""
    old, new = _function(before), _function(value)
    if type(before) is not type(value) or old is None or new is None or len(_free(old)) != len(_free(new)):
        return False
    if hasattr(before, "__wrapped__") != hasattr(value, "__wrapped__"):
        return False  # a decorator came or went
    old.__code__, old.__defaults__, old.__kwdefaults__ = new.__code__, new.__defaults__, new.__kwdefaults__
    if isinstance(before, Plain) and before is not old and _free(before) == _free(value):
        before.__code__ = value.__code__  # what a decorator of the module's own put around it
    if hasattr(before, "cache_clear"):
        before.cache_clear()
    return True


def _function(value: Any) -> types.FunctionType | None:
    if isinstance(value, property):
        value = value.fget
    value = getattr(value, "__func__", value)
    value = getattr(value, "__wrapped__", value)
    return value if isinstance(value, Plain) else None


def _free(function: types.FunctionType) -> tuple[str, ...]:
    return function.__code__.co_freevars


def _ours() -> Iterator[types.ModuleType]:
    return (module for name, module in list(sys.modules.items()) if name.split(".")[0] in OURS)


def _name(file: str) -> str:
    return file.removesuffix(".py").replace("/", ".")
