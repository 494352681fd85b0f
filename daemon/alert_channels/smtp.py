"""Alerts by mail. `smtplib` waits, so it works in a thread of its own."""

from __future__ import annotations

import asyncio
import smtplib
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid

from daemon.alert_channels.port import NotDelivered
from daemon.alert_routing import Alert
from daemon.alert_settings import SmtpChannel
from daemon.secret import Secret


class Mail:
    """One connection per alert: alerts are rare, and an idle connection is dead when it is needed."""

    def __init__(self, section: SmtpChannel, password: Secret | None) -> None:
        self._section, self._password = section, password
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="alert-mail")

    async def send(self, alert: Alert) -> None:
        """Send one mail to all recipients."""
        message = mail_of(alert, sender=self._section.sender, recipients=self._section.recipients)
        await asyncio.get_running_loop().run_in_executor(self._thread, self._deliver, message)

    async def close(self) -> None:
        """What is under way ends by its timeout."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _deliver(self, message: EmailMessage) -> None:
        host = self._section.host
        try:
            server = self._connected()
            try:
                refused = server.send_message(message)
                with suppress(smtplib.SMTPException, OSError):
                    server.quit()  # it has the mail: how it says goodbye changes nothing
            finally:
                server.close()
        except smtplib.SMTPRecipientsRefused as error:
            is_final = all(code >= 500 for code, _ in error.recipients.values())
            raise NotDelivered(f"{host} refuses every recipient", is_final=is_final) from None
        except smtplib.SMTPResponseException as error:
            is_final = error.smtp_code >= 500
            # Without the server's text: it may repeat what was sent to it.
            raise NotDelivered(f"{host} answered {error.smtp_code}", is_final=is_final) from None
        except (smtplib.SMTPException, OSError) as error:
            raise NotDelivered(f"no mail over {host} ({type(error).__name__}: {error})") from None
        if refused:
            names = ", ".join(sorted(refused))
            raise NotDelivered(f"{host} refuses {names}, the others got it", is_final=True)

    def _connected(self) -> smtplib.SMTP:
        section = self._section
        trusted = ssl.create_default_context(cafile=section.ca_file)
        server: smtplib.SMTP
        if section.security == "tls":
            server = smtplib.SMTP_SSL(
                section.host, section.port, timeout=section.timeout_seconds, context=trusted
            )
        else:
            server = smtplib.SMTP(section.host, section.port, timeout=section.timeout_seconds)
        try:
            if section.security == "starttls":
                server.starttls(context=trusted)
            if section.user is not None and self._password is not None:
                server.login(section.user, self._password.reveal())
        except BaseException:
            server.close()
            raise
        return server


def mail_of(alert: Alert, *, sender: str, recipients: tuple[str, ...]) -> EmailMessage:
    """The alert as a mail; nothing in it can begin a header of its own."""
    message = EmailMessage()
    message["From"], message["To"] = sender, ", ".join(recipients)
    message["Subject"] = f"[tickerd] {alert.headline}"[:200]
    message["Date"] = format_datetime(datetime.fromtimestamp(alert.ts_ns / 1e9, UTC))
    message["Message-ID"] = make_msgid(domain=socket.gethostname() or "localhost")
    lines = {"Severity": alert.severity, "Kind": alert.kind, "Subject": alert.subject, "Time": alert.time,
             "Count": alert.count, "Host": socket.gethostname()}  # fmt: skip
    facts = "\n".join(f"{name}: {value}" for name, value in lines.items() if value)
    message.set_content(f"{alert.text}\n\n{facts}\n")
    return message
