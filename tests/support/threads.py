"""Many at once."""

import threading
from collections.abc import Callable


def at_once(work: Callable[[], object], threads: int = 8) -> list[object]:
    """What each thread got: a result, or the exception itself."""
    got: list[object] = []
    barrier = threading.Barrier(threads)

    def run() -> None:
        barrier.wait()
        try:
            got.append(work())
        except Exception as error:
            got.append(error)

    running = [threading.Thread(target=run) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return got
