"""Who may wait for whom, so that a dead receiver takes nobody else's threads."""

from contextlib import ExitStack

from warest.bulkheads import SHORTEST_WAIT, SLOW_ONES, Bulkheads


def taken(bulkheads: Bulkheads, stack: ExitStack, receiver: str, times: int) -> int:
    """How many of so many turns it gets; they last until the stack ends."""
    return sum(not stack.enter_context(bulkheads.turn(receiver)).wait for _ in range(times))


def test_one_of_which_nothing_is_known_gets_one_thread() -> None:
    """And as many as anybody as soon as it has answered."""
    bulkheads = Bulkheads(64, share=16)
    with ExitStack() as stack:
        assert taken(bulkheads, stack, "a", 5) == 1
        bulkheads.saw("a", answered=True, seconds=0.1)
        assert taken(bulkheads, stack, "a", 99) == 15
    with ExitStack() as stack:
        assert taken(bulkheads, stack, "a", 99) == 16


def test_a_slow_one_gets_a_few_and_a_failing_one_a_single_one() -> None:
    """By what came of the last try."""
    bulkheads = Bulkheads(64, share=16)
    for seconds, answered, expected in ((5.0, True, SLOW_ONES), (0.1, False, 1), (0.1, True, 16)):
        with bulkheads.turn("a"):
            bulkheads.saw("a", answered=answered, seconds=seconds)
        with ExitStack() as stack:
            assert taken(bulkheads, stack, "a", 99) == expected


def test_doubtful_ones_never_get_more_than_half() -> None:
    """However many there are: one that answers soon still gets its share."""
    bulkheads = Bulkheads(20, share=8)
    with bulkheads.turn("good"):
        bulkheads.saw("good", answered=True, seconds=0.1)
    with ExitStack() as stack:
        assert sum(taken(bulkheads, stack, f"dead {number}", 3) for number in range(50)) == 10
        assert taken(bulkheads, stack, "good", 99) == 8


def test_whoever_waits_asks_later_the_more_there_are() -> None:
    """So that a thousand who wait do not keep everybody busy with their questions."""
    bulkheads = Bulkheads(2, share=1)
    with bulkheads.turn("a"):
        waits = []
        for _ in range(200):
            with bulkheads.turn("a") as turn:
                waits.append(turn.wait)
    assert waits[0] == SHORTEST_WAIT and max(waits) > 0.5


def test_what_is_remembered_is_bounded() -> None:
    """Those that are busy are not forgotten."""
    bulkheads = Bulkheads(4, share=2)
    with bulkheads.turn("busy"):
        for number in range(10_050):
            with bulkheads.turn(f"r{number}"):
                pass
        with bulkheads.turn("busy") as turn:
            assert turn.wait
