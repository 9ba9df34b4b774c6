"""When everything that was said is answered."""

from callboard.examples.talking.quiet import Quiet


def opened() -> Quiet:
    quiet = Quiet()
    quiet.floor("greeter")
    quiet.began("greeter")
    quiet.ended()
    return quiet


def test_it_is_not_quiet_before_somebody_has_had_a_word() -> None:
    quiet = Quiet()
    assert not quiet and quiet.is_lonely
    quiet.floor("greeter")
    assert not quiet and quiet.patience and not quiet.is_lonely
    quiet.began("greeter")
    assert not quiet and quiet.patience is None
    quiet.ended()
    assert quiet


def test_a_reply_is_owed_from_what_the_user_says_to_its_end() -> None:
    quiet = opened()
    quiet.said()
    assert not quiet and quiet.patience is None
    quiet.began("greeter")
    assert not quiet
    quiet.ended()
    assert quiet


def test_the_end_of_an_interrupted_reply_answers_nothing() -> None:
    quiet = opened()
    quiet.said()
    quiet.began("greeter")
    quiet.interrupted()
    quiet.said()
    quiet.ended(interrupted=True)
    assert not quiet
    quiet.began("greeter")
    quiet.ended()
    assert quiet


def test_an_interruption_alone_ends_what_was_owed() -> None:
    quiet = opened()
    quiet.said()
    quiet.began("greeter")
    quiet.interrupted()
    assert not quiet
    quiet.ended(interrupted=True)
    assert quiet


def test_a_tool_at_work_is_waited_for() -> None:
    quiet = opened()
    quiet.called("1")
    quiet.called("2")
    quiet.returned("1")
    assert not quiet
    quiet.returned("2")
    assert quiet


def test_a_hand_over_is_waited_for_from_the_last_word_to_the_first_of_the_other() -> None:
    quiet = opened()
    quiet.floor(None)
    assert not quiet and quiet.is_lonely
    quiet.floor("support")
    assert not quiet and quiet.patience
    quiet.began("support")
    quiet.ended()
    assert quiet


def test_trouble_takes_the_place_of_what_was_to_come() -> None:
    quiet = opened()
    quiet.said()
    quiet.began("greeter")
    quiet.called("1")
    quiet.failed()
    assert quiet


def test_a_tool_that_is_the_last_thing_in_a_reply_leads_to_something() -> None:
    quiet = opened()
    quiet.said()
    quiet.began("greeter")
    quiet.called("1")
    quiet.returned("1")
    quiet.ended()
    assert not quiet and quiet.patience
    quiet.floor(None)
    quiet.floor("support")
    quiet.began("support")
    quiet.ended()
    assert quiet


def test_words_after_a_tool_are_the_answer() -> None:
    quiet = opened()
    quiet.said()
    quiet.began("greeter")
    quiet.called("1")
    quiet.returned("1")
    quiet.spoke()
    quiet.ended()
    assert quiet


def test_a_tool_of_a_worker_that_was_lost_is_not_waited_for_once_that_is_back() -> None:
    quiet = opened()
    quiet.failed()
    quiet.called("1")  # what it had said before reached us after the news of its loss
    assert not quiet
    quiet.back()
    assert quiet
