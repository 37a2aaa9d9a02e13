from typing import cast

from infra.local.errors import StoppingError
from infra.local.service import Service
from infra.local.watch import Watch
from infra.local.work import Work


class _Runner:
    def __init__(self, looks: int) -> None:
        self.left = looks

    def pause(self, _seconds: float) -> None:
        self.left -= 1
        if not self.left:
            raise StoppingError


class _Service:
    def __init__(self, looks: int) -> None:
        self.runner = _Runner(looks)


def test_a_watcher_that_fails_is_asked_again_and_holds_no_other_up() -> None:
    seen: list[str] = []

    def broken(_service: Service, _work: Work) -> None:
        seen.append("broken")
        raise OSError

    def whole(_service: Service, _work: Work) -> None:
        seen.append("whole")

    watch = Watch(cast("Service", _Service(2)), cast("Work", None), (broken, whole))
    watch.start()
    watch.stop()
    assert seen == ["broken", "whole"] * 2
