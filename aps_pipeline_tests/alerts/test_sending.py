"""Real apprise to servers on loopback; and no address in anything that is said."""

from __future__ import annotations

import email
import email.policy
import logging

import pytest

from aps_pipeline.alerts import BadAddressError, Message
from aps_pipeline.alerts.send import send, targets_of
from aps_pipeline_tests.alerts.receiving import mail_server, webhook

MESSAGE = Message("APsystems: 1 panel weak", "- Panel <b>1</b> & more is weak.\n\nWeak panel: look.")


def test_a_webhook_gets_title_and_text() -> None:
    with webhook() as inbox:
        (target,) = targets_of([f"json://127.0.0.1:{inbox.port}/hook"])
        assert send(target, MESSAGE)
        (got,) = inbox.kept
    assert (got["title"], got["message"]) == (MESSAGE.title, MESSAGE.body)


def test_a_mail_has_the_title_as_its_subject_and_shows_names_as_they_are() -> None:
    with mail_server() as inbox:
        (target,) = targets_of([f"mailto://127.0.0.1:{inbox.port}?from=a@example.org&to=b@example.org"])
        assert send(target, MESSAGE)
        (got,) = inbox.kept
    mail = email.message_from_string(got, policy=email.policy.default)
    assert mail["Subject"] == MESSAGE.title
    assert "b@example.org" in mail["To"]
    text = mail.get_body(("plain",))
    assert text is not None
    assert "- Panel <b>1</b> & more is weak." in text.get_content()
    page = mail.get_body(("html",))
    assert page is None or "<b>" not in page.get_content()


def test_a_target_that_refuses_or_is_not_there_took_nothing() -> None:
    with webhook() as hook, mail_server() as mails:
        hook.refuses = mails.refuses = True
        targets = targets_of(
            [
                f"json://127.0.0.1:{hook.port}",
                f"mailto://127.0.0.1:{mails.port}?from=a@example.org&to=b@example.org",
            ]
        )
        assert [send(target, MESSAGE) for target in targets] == [False, False]
    assert not send(targets[0], MESSAGE)


@pytest.mark.parametrize("bad", ["hunter2", "nosuch://user:hunter2@host", "mailto://hunter2", "json://"])
def test_an_address_that_cannot_be_used_is_named_by_its_position(
    bad: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(BadAddressError, match="address 2 of") as raised:
        targets_of(["json://127.0.0.1:1", bad])
    assert "hunter2" not in f"{raised.value}{caplog.text}{capfd.readouterr()}"


def test_an_address_is_remembered_by_a_name_that_does_not_show_it() -> None:
    first, second = targets_of(["json://u:hunter2@127.0.0.1:1", "json://127.0.0.1:2"] * 2)
    assert (first.position, second.position) == (1, 2)
    assert first.name != second.name
    assert "hunter2" not in repr(first)
