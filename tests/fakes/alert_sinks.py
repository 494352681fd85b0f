"""Where alerts arrive in tests: a mail server that speaks SMTP with STARTTLS and AUTH, and a web server."""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, NamedTuple

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Certificate(NamedTuple):
    """Of 127.0.0.1, signed by itself."""

    file: Path
    """To be trusted by a client."""
    context: ssl.SSLContext
    """For a server."""


def a_certificate(folder: Path) -> Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sink")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file, key_file = folder / "sink.pem", folder / "sink.key"
    file.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key_file)
    return Certificate(file, context)


class MailSink:
    """Takes mail; `refusals` are answered to MAIL FROM before anything is taken."""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self.port = 0
        self.mails: list[EmailMessage] = []
        self.logins: list[tuple[str, str]] = []
        self.was_encrypted: list[bool] = []
        self.refusals: list[str] = []
        self._context = context

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        is_encrypted = False

        async def say(*lines: str) -> None:
            for number, line in enumerate(lines, 1):
                code, _, rest = line.partition(" ")
                mark = " " if number == len(lines) else "-"
                writer.write(f"{code}{mark}{rest}\r\n".encode())
            await writer.drain()

        await say("220 sink")
        while line := (await reader.readline()).decode().strip():
            word, *rest = line.split(" ", 2)
            match [word.upper(), *rest]:
                case ["EHLO", *_]:
                    extras = ["250 AUTH PLAIN"] if is_encrypted or self._context is None else ["250 STARTTLS"]
                    await say("250 sink", *extras)
                case ["STARTTLS"]:
                    await say("220 go ahead")
                    assert self._context is not None
                    await writer.start_tls(self._context)
                    is_encrypted = True
                case ["AUTH", "PLAIN", text]:
                    _, user, password = base64.b64decode(text).decode().split("\0")
                    self.logins.append((user, password))
                    await say("235 welcome")
                case ["DATA"]:
                    await say("354 go on")
                    body = await reader.readuntil(b"\r\n.\r\n")
                    self.mails.append(message_from_bytes(body[:-5], policy=policy.default))
                    self.was_encrypted.append(is_encrypted)
                    await say("250 taken")
                case ["QUIT"]:
                    await say("221 bye")
                    break
                case ["MAIL", *_] if self.refusals:
                    await say(self.refusals.pop(0))
                case _:
                    await say("250 fine")
        writer.close()


@asynccontextmanager
async def a_mail_sink(context: ssl.SSLContext | None) -> AsyncIterator[MailSink]:
    sink = MailSink(context)
    server = await asyncio.start_server(sink.serve, "127.0.0.1", 0)
    sink.port = server.sockets[0].getsockname()[1]
    try:
        yield sink
    finally:
        server.close()
        await server.wait_closed()


class WebSink:
    """Takes posts; `answers` are the statuses of the next ones, then 200."""

    def __init__(self) -> None:
        self.url = ""
        self.posts: list[Any] = []
        self.answers: list[int] = []
        self.arrived = asyncio.Event()

    async def take(self, request: web.Request) -> web.Response:
        self.posts.append(await request.json())
        self.arrived.set()
        status = self.answers.pop(0) if self.answers else 200
        return web.Response(status=status, headers={"Location": "/elsewhere"} if status == 302 else {})

    async def wait_posts(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.posts) < count:
                self.arrived.clear()
                await self.arrived.wait()


@asynccontextmanager
async def a_web_sink() -> AsyncIterator[WebSink]:
    sink = WebSink()
    app = web.Application()
    app.router.add_post("/hook", sink.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    sink.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield sink
    finally:
        await runner.cleanup()
