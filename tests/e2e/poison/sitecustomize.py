"""Makes workers die of jobs whose model is called so; a server finds this where PYTHONPATH names the folder first."""

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Callable
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from typing import Any

MEGABYTE = 2**20


def poisoned(train: Callable[..., Any]) -> Callable[..., Any]:
    def train_or_die(request: Any, *arguments: Any, **named: Any) -> Any:
        match request["model"]:
            case "segfault":
                ctypes.string_at(0)
            case "exit":
                os._exit(3)
            case "killed":  # what Linux does to the process that needs too much memory
                os.kill(os.getpid(), signal.SIGKILL)
            case "memory":
                return with_little_memory(lambda: train(request, *arguments, **named))
        return train(request, *arguments, **named)

    return train_or_die


def with_little_memory(act: Callable[[], Any]) -> Any:
    """Does it with 100 MB more address space than the process has now."""
    with open("/proc/self/statm") as file:  # noqa: PTH123 - nothing more than needed is imported here
        used = int(file.read().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + 100 * MEGABYTE, before[1]))
    try:
        return act()
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


class Poisoner(MetaPathFinder):
    """Replaces the verb in the module that workers have it from."""

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if fullname != "service.worker.making":
            return None
        sys.meta_path.remove(self)
        spec = find_spec(fullname)
        assert spec is not None
        assert spec.loader is not None
        loader: Any = spec.loader
        execute = loader.exec_module

        def exec_module(module: Any) -> None:
            execute(module)
            module.train = poisoned(module.train)

        loader.exec_module = exec_module
        return spec


sys.meta_path.insert(0, Poisoner())
