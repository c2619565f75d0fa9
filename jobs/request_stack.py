"""Where a task keeps what its running jobs were asked for with: as Celery's own stack, at a tenth of its cost."""

import threading
from typing import Any


class RequestStack(threading.local):
    """Of one task; each thread sees its own.

    Celery's looks for the thread's at each step, in four calls. Whoever pushes and pops often may do it on `stack`.
    """

    def __init__(self) -> None:
        self.stack: list[Any] = []

    def push(self, request: Any) -> None:
        self.stack.append(request)

    def pop(self) -> Any:
        """The newest; None where there is none."""
        return self.stack.pop() if self.stack else None

    @property
    def top(self) -> Any:
        """The newest, which stays; None where there is none."""
        return self.stack[-1] if self.stack else None

    def __len__(self) -> int:
        return len(self.stack)
