"""The transcript: what an assistant that is new is told."""

from callboard.examples.talking.transcript import KEPT, Transcript


def roles(transcript: Transcript) -> list[str]:
    return [f"{message['role']}: {message['content']}" for message in transcript.messages]


def test_words_and_replies_are_kept_in_order() -> None:
    transcript = Transcript()
    transcript.heard("Hel")
    transcript.heard("lo!")
    transcript.replied()
    assert not transcript.owes_reply
    transcript.said("Hi", sent=True)
    assert transcript.owes_reply
    transcript.heard("Yes?")
    transcript.replied()
    assert roles(transcript) == ["assistant: Hello!", "user: Hi", "assistant: Yes?"]
    assert not transcript.owes_reply


def test_a_reply_without_words_is_none() -> None:
    transcript = Transcript()
    transcript.replied()
    assert roles(transcript) == []


def test_of_a_reply_that_was_lost_nothing_stays_and_it_is_owed() -> None:
    transcript = Transcript()
    transcript.said("A story", sent=True)
    transcript.heard("Once there")
    transcript.lost()
    assert roles(transcript) == ["user: A story"]
    assert transcript.owes_reply


def test_words_that_wait_are_told_by_themselves_and_belong_to_it_then() -> None:
    transcript = Transcript()
    transcript.said("one", sent=False)
    transcript.said("two", sent=False)
    assert transcript.messages == []
    assert transcript.owes_reply
    transcript.found()
    assert roles(transcript) == ["user: one", "user: two"]


def test_it_does_not_grow_without_end() -> None:
    transcript = Transcript()
    for number in range(KEPT + 5):
        transcript.said(str(number), sent=True)
    assert roles(transcript)[0] == "user: 5"
    assert len(transcript.messages) == KEPT
