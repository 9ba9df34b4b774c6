"""The machine of a run, as far as it matters for reading the figures."""

import os
import platform
from dataclasses import dataclass


@dataclass(frozen=True)
class Machine:
    """Interpreter, system and processors; nothing that names the machine."""

    python: str
    system: str
    cpus: int

    @classmethod
    def this(cls) -> "Machine":
        """Describes the machine that runs now."""
        python = f"{platform.python_implementation()} {platform.python_version()}"
        return cls(python, f"{platform.system()} {platform.machine()}", os.cpu_count() or 1)

    def __str__(self) -> str:
        return f"{self.python}, {self.system}, {self.cpus} CPUs"
