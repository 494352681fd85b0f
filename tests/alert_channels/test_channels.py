"""Every kind of channel against a real other end."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from actors.errors import ConfigError
from daemon.alert_channels.command import Command
from daemon.alert_channels.port import NotDelivered
from daemon.alert_channels.smtp import Mail
from daemon.alert_channels.webhook import Webhook
from daemon.alert_routing import Alert
from daemon.alert_settings import ExecChannel, SmtpChannel
from daemon.secret import Secret
from tests.fakes.alert_sinks import a_certificate, a_mail_sink, a_web_sink


def an_alert(text: str = "daily loss reached") -> Alert:
    return Alert(severity="critical", kind="halted", subject="account=demo", text=text, ts_ns=10**18, count=3)


# webhook


async def test_a_webhook_gets_slacks_form_with_its_own_signs_escaped() -> None:
    async with a_web_sink() as sink:
        hook = Webhook(name="desk", url=sink.url, timeout_seconds=5)
        await hook.send(an_alert("loss <5 & more>"))
        await hook.close()
    (post,) = sink.posts
    assert post["text"] == "tickerd: critical halted account=demo (×3): loss &lt;5 &amp; more&gt;"
    fields = {field["title"]: field["value"] for field in post["attachments"][0]["fields"]}
    assert fields["Time"] == "2001-09-09T01:46:40+00:00"
    assert fields["Count"] == "3"


@pytest.mark.parametrize(("status", "is_final"), [(500, False), (429, False), (404, True), (302, True)])
async def test_a_webhook_is_tried_again_only_when_that_can_help(status: int, is_final: bool) -> None:
    async with a_web_sink() as sink:
        sink.answers = [status]
        hook = Webhook(name="desk", url=sink.url, timeout_seconds=5)
        with pytest.raises(NotDelivered, match=str(status)) as caught:
            await hook.send(an_alert())
        await hook.close()
        assert caught.value.is_final is is_final
        assert len(sink.posts) == 1


async def test_an_address_that_does_not_answer_is_not_repeated_in_the_error() -> None:
    async with a_web_sink() as sink:
        url = sink.url.replace("/hook", "/T0SECRET")
    hook = Webhook(name="desk", url=url, timeout_seconds=5)
    with pytest.raises(NotDelivered) as caught:
        await hook.send(an_alert())
    await hook.close()
    assert "T0SECRET" not in str(caught.value)
    assert not caught.value.is_final


@pytest.mark.parametrize("url", ["hooks.example.com/x", "http://hooks.example.com/x"])
def test_an_address_that_would_leak_or_is_none_is_refused(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Webhook(name="desk", url=url, timeout_seconds=5)
    assert url not in str(caught.value)


# mail


def a_mailbox(port: int, **fields: object) -> SmtpChannel:
    settings = {"host": "127.0.0.1", "port": port, "security": "none", "sender": "tickerd@example.com",
                "recipients": ("a@example.com", "b@example.com"), "timeout_seconds": 5.0}  # fmt: skip
    return SmtpChannel(**{**settings, **fields})  # type: ignore[arg-type]


async def test_mail_is_encrypted_and_logged_in_before_it_says_anything(tmp_path: Path) -> None:
    certificate = a_certificate(tmp_path)
    async with a_mail_sink(certificate.context) as sink:
        section = a_mailbox(
            sink.port, security="starttls", ca_file=str(certificate.file), user="tickerd", password="MAIL_PW"
        )
        mail = Mail(section, Secret("hush"))
        await mail.send(an_alert("first line\nBcc: all@example.com"))
        await mail.close()
    (found,) = sink.mails
    assert sink.logins == [("tickerd", "hush")]
    assert sink.was_encrypted == [True]
    assert found["To"] == "a@example.com, b@example.com"
    assert found["Bcc"] is None
    assert found["Subject"] == "[tickerd] critical halted account=demo (×3): first line Bcc: all@example.com"
    assert (
        found.get_content()
        .replace("\r", "")
        .startswith("first line\nBcc: all@example.com\n\nSeverity: critical\n")
    )


async def test_mail_to_a_server_that_cannot_prove_itself_is_not_sent(tmp_path: Path) -> None:
    certificate = a_certificate(tmp_path)
    async with a_mail_sink(certificate.context) as sink:
        mail = Mail(a_mailbox(sink.port, security="starttls"), None)
        with pytest.raises(NotDelivered, match="CERTIFICATE_VERIFY_FAILED") as caught:
            await mail.send(an_alert())
        await mail.close()
    assert sink.mails == []
    assert not caught.value.is_final


@pytest.mark.parametrize(("answer", "is_final"), [("451 later", False), ("550 never", True)])
async def test_a_mail_servers_no_is_final_only_when_it_says_so(answer: str, is_final: bool) -> None:
    async with a_mail_sink(None) as sink:
        sink.refusals = [answer]
        mail = Mail(a_mailbox(sink.port), None)
        with pytest.raises(NotDelivered, match=answer[:3]) as caught:
            await mail.send(an_alert())
        assert caught.value.is_final is is_final
        await mail.send(an_alert())
        await mail.close()
    assert len(sink.mails) == 1


# program


def a_program(source: str, *words: str, seconds: float = 10.0) -> Command:
    section = ExecChannel(command=(sys.executable, "-c", source, *words), timeout_seconds=seconds)
    return Command(section, {"PATH": "/usr/bin", "BINANCE_API_SECRET": "hush"})


@pytest.mark.slow
async def test_a_program_gets_json_and_neither_a_shell_nor_our_secrets(tmp_path: Path) -> None:
    source = (
        "import json, os, sys\n"
        "found = {'alert': json.load(sys.stdin), 'environ': dict(os.environ), 'word': sys.argv[2]}\n"
        "json.dump(found, open(sys.argv[1], 'w'))"
    )
    out = tmp_path / "out.json"
    await a_program(source, str(out), "$(id); `id`").send(an_alert())
    found = json.loads(out.read_text())
    assert found["alert"] | {"host": ""} == {
        "severity": "critical", "kind": "halted", "subject": "account=demo", "text": "daily loss reached",
        "count": 3, "time": "2001-09-09T01:46:40+00:00", "host": "",
    }  # fmt: skip
    assert "BINANCE_API_SECRET" not in found["environ"]
    assert found["word"] == "$(id); `id`"


@pytest.mark.slow
async def test_a_program_that_fails_is_quoted_with_its_last_words() -> None:
    program = a_program("import sys; sys.exit('no modem')")
    with pytest.raises(NotDelivered, match="ended with 1: no modem") as caught:
        await program.send(an_alert())
    assert not caught.value.is_final


@pytest.mark.slow
async def test_a_program_that_does_not_end_is_killed() -> None:
    program = a_program("import time; time.sleep(600)", seconds=0.3)
    with pytest.raises(NotDelivered, match=r"did not end within 0\.3 s"):
        await program.send(an_alert())


async def test_a_program_that_is_not_there_is_not_tried_again() -> None:
    with pytest.raises(NotDelivered, match="cannot be run") as caught:
        await Command(ExecChannel(command=("/nowhere/siren",)), {}).send(an_alert())
    assert caught.value.is_final
