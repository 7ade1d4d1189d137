"""What we send to other machines reaches nobody else: we verify certificates and host names, and
send no password unencrypted, even if a machine in between offers nothing better."""

from __future__ import annotations

import base64
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app import create_app
from channels.startup import startup_checks
from config.settings import Settings
from tests.databases import MASTER_KEYS
from vault import destinations
from vault.destinations import DestinationUnreachable, Mailer, Notification

PASSWORD = "pa55word"
SECRET = "secret body"
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Certificate:
    """A certificate and its key, in one file."""

    file: Path
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def certificate(
    folder: Path,
    name: str,
    *,
    issuer: Certificate | None = None,
    starts: datetime | None = None,
    days: int = 2,
    authority: bool = False,
) -> Certificate:
    """A certificate for ``name`` (a host, or an IP address), its own issuer unless given one."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name} {folder.name}")])
    start = starts or datetime.now(UTC) - DAY
    try:
        alternative: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        alternative = x509.DNSName(name)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=days))
        .add_extension(x509.BasicConstraints(authority, None), critical=True)
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
    )
    made = builder.sign(issuer.key if issuer else key, hashes.SHA256())
    file = folder / f"{made.serial_number}.pem"
    file.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return Certificate(file, made, key)


@dataclass
class MailServer:
    """A mail server on loopback, and everything that it received before and after TLS began."""

    tls: Certificate | None
    from_start: bool = False
    offers: bool = True
    refuses: bool = False
    clear: list[bytes] = field(default_factory=list)
    private: list[bytes] = field(default_factory=list)

    def start(self) -> int:
        server = socket.create_server(("127.0.0.1", 0))
        server.settimeout(10)
        threading.Thread(target=self._serve, args=(server,), daemon=True).start()
        return server.getsockname()[1]

    def _serve(self, server: socket.socket) -> None:
        with server, server.accept()[0] as connection:
            connection.settimeout(10)
            with suppress(OSError):
                self._talk(self._wrapped(connection) if self.from_start else connection)

    def _wrapped(self, connection: socket.socket) -> socket.socket:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.tls.file)
        return context.wrap_socket(connection, server_side=True)

    def _talk(self, connection: socket.socket, *, greet: bool = True) -> None:
        private = isinstance(connection, ssl.SSLSocket)
        told, data = (self.private if private else self.clear), False
        file = connection.makefile("rwb", buffering=0)
        if greet:
            file.write(b"220 here\r\n")
        for line in file:
            told.append(line)
            if data:
                data = line != b".\r\n"
                if not data:
                    file.write(b"250 taken\r\n")
            elif line.upper().startswith(b"EHLO"):
                tls = b"250-STARTTLS\r\n" if self.offers and not private else b""
                file.write(b"250-here\r\n" + tls + b"250 AUTH PLAIN LOGIN\r\n")
            elif line.upper().startswith(b"STARTTLS"):
                file.write(b"454 not now\r\n" if self.refuses else b"220 go\r\n")
                if not self.refuses:
                    return self._talk(self._wrapped(connection), greet=False)
            elif line.upper().startswith(b"DATA"):
                data = True
                file.write(b"354 go\r\n")
            elif line.upper().startswith(b"QUIT"):
                file.write(b"221 bye\r\n")
                return None
            else:
                file.write(b"235 ok\r\n" if line.upper().startswith(b"AUTH") else b"250 ok\r\n")
        return None

    def knows(self, told: list[bytes]) -> bool:
        """Whether the password or the mail is in what it received."""
        whole = b"".join(told)
        secrets = (PASSWORD.encode(), base64.b64encode(PASSWORD.encode()), SECRET.encode())
        plain = base64.b64encode(f"\0vouchline\0{PASSWORD}".encode())
        return any(item in whole for item in (*secrets, plain, b"AUTH"))


@pytest.fixture
def authority(tmp_path: Path) -> Certificate:
    return certificate(tmp_path, "authority.example", authority=True)


def mail(port: int, scheme: str, *, user: str = f"vouchline:{PASSWORD}@", **more: Path) -> None:
    server = f"{scheme}://{user}127.0.0.1:{port}"
    Mailer(server, "log@bank.example", **more).send_mail("auditor@firm.example", "s", SECRET)


BAD = {
    "self-signed": lambda folder, ca: certificate(folder, "127.0.0.1"),
    "of another name": lambda folder, ca: certificate(folder, "mail.other.example", issuer=ca),
    "of another address": lambda folder, ca: certificate(folder, "127.0.0.2", issuer=ca),
    "expired": lambda folder, ca: certificate(
        folder, "127.0.0.1", issuer=ca, starts=datetime.now(UTC) - 900 * DAY
    ),
    "not yet valid": lambda folder, ca: certificate(
        folder, "127.0.0.1", issuer=ca, starts=datetime.now(UTC) + DAY
    ),
    "of an unknown authority": lambda folder, ca: certificate(
        folder,
        "127.0.0.1",
        issuer=certificate(folder, "rogue.example", authority=True),
    ),
}


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
@pytest.mark.parametrize("which", BAD)
def test_no_mail_and_no_password_for_a_certificate_that_is(which, scheme, tmp_path, authority):
    """Was red on c916469."""
    server = MailServer(BAD[which](tmp_path, authority), from_start=scheme == "smtps")
    with pytest.raises(DestinationUnreachable, match="certificate is not valid"):
        mail(server.start(), scheme, ca_file=authority.file)
    assert not server.knows(server.clear + server.private)


def test_a_certificate_of_no_authority_of_the_systems_is_refused(tmp_path, authority):
    """Was red on c916469."""
    server = MailServer(certificate(tmp_path, "127.0.0.1", issuer=authority), from_start=True)
    with pytest.raises(DestinationUnreachable, match="certificate is not valid"):
        mail(server.start(), "smtps")
    assert not server.knows(server.clear + server.private)


@pytest.mark.parametrize("refuses", [False, True], ids=["stripped", "refused"])
def test_no_password_where_starttls_is(refuses, tmp_path, authority):
    """Was red on c916469."""
    server = MailServer(None, offers=refuses, refuses=refuses)
    with pytest.raises(DestinationUnreachable) as told:
        mail(server.start(), "smtp", ca_file=authority.file)
    assert not server.knows(server.clear)
    assert PASSWORD not in str(told.value)
    assert refuses or "the password is not sent in clear" in str(told.value)


def test_no_mail_in_clear_to_another_machine_even_without_a_password(monkeypatch):
    """Was red on c916469."""
    server = MailServer(None, offers=False)
    port = server.start()
    real = socket.create_connection
    monkeypatch.setattr(
        socket, "create_connection", lambda _, *a, **k: real(("127.0.0.1", port), *a, **k)
    )
    mailer = Mailer("smtp://mail.other.example", "log@bank.example")
    with pytest.raises(DestinationUnreachable, match="mail is not sent in clear"):
        mailer.send_mail("auditor@firm.example", "s", SECRET)
    assert not server.knows(server.clear)


def test_a_server_on_this_machine_without_a_password_needs_no_tls():
    server = MailServer(None, offers=False)
    mail(server.start(), "smtp", user="")
    assert SECRET.encode() in b"".join(server.clear)


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_private_authority_that_was_named_is_enough(scheme, tmp_path, authority):
    good = certificate(tmp_path, "127.0.0.1", issuer=authority)
    server = MailServer(good, from_start=scheme == "smtps")
    mail(server.start(), scheme, ca_file=authority.file)
    assert server.knows(server.private)
    assert not server.knows(server.clear)


def settings(**given: object) -> Settings:
    return Settings(_env_file=None, master_keys=MASTER_KEYS, **given)


@pytest.mark.parametrize("url", ["http://mail.example", "mail.example", "smtp://", "smtp://h:x"])
def test_a_mail_server_that_is_none_is_refused_at_the_start(url):
    with pytest.raises(ValueError, match=r"smtp_url|SMTP_URL"):
        settings(smtp_url=url)


def test_a_file_without_certificates_is_refused_at_the_start(tmp_path):
    for file in (tmp_path / "none.pem", tmp_path):
        with pytest.raises(ValueError, match="certificates"):
            settings(smtp_ca_file=file)


@pytest.mark.parametrize("name", ["twilio_api_base", "second_twilio_api_base"])
@pytest.mark.parametrize("base", ["http://api.example", "ftp://127.0.0.1", "api.example", "http:x"])
def test_no_providers_token_is_sent_in_clear_even_in_a_demo(name, base, tmp_path):
    """Was red on c916469."""
    with pytest.raises(SystemExit, match="must be an https address"):
        create_app(settings(instance=tmp_path, **{name: base}))


@pytest.mark.parametrize("base", ["", "https://api.example", "http://127.0.0.1:80", "http://[::1]"])
def test_a_providers_other_host_over_tls_or_on_this_machine_is_taken(base):
    assert startup_checks.find_start_refusals(settings(twilio_api_base=base)) == []


@pytest.mark.parametrize(
    ("given", "level"),
    [
        ({"database_url": "postgresql+psycopg://u:p@db/v"}, "warn"),
        ({"database_url": "postgresql+psycopg://u:p@db/v?sslmode=require"}, "warn"),
        ({"database_url": "postgresql+psycopg://u@/v?host=db.example"}, "warn"),
        ({"database_url": "postgresql+psycopg://u@db/v?sslmode=verify-full"}, ""),
        ({"database_url": "postgresql+psycopg://u@/v?host=/run/postgresql"}, ""),
        ({"database_url": "postgresql+psycopg://u@127.0.0.1/v"}, ""),
        ({"database_url": "sqlite:////srv/store.sqlite3"}, ""),
        ({"rate_storage": "redis://:p@cache:6379/0"}, "warn"),
        ({"rate_storage": "redis+sentinel://:p@cache:26379/0"}, "warn"),
        ({"rate_storage": "rediss://:p@cache:6379/0"}, ""),
        ({"rate_storage": "rediss://:p@cache/0?ssl_cert_reqs=none"}, "refuse"),
        ({"rate_storage": "rediss://:p@cache/0?ssl_cert_reqs=NONE"}, "refuse"),
        ({"rate_storage": "redis://127.0.0.1:6379/0"}, ""),
    ],
)
def test_the_doctor_names_a_server_of_ours_that_is_not_verified(given, level):
    found = [
        setting.level
        for setting in startup_checks.check_settings(settings(**given))
        if "verify-full" in setting.sentence
        or "without TLS" in setting.sentence
        or "certificate check" in setting.sentence
    ]
    assert found == [level] * bool(level)


@pytest.fixture
def redirecting() -> Iterator[tuple[str, list[str]]]:
    """A web server that sends every request elsewhere, to itself over http, where it answers."""
    got: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append("POST")
            self.send_response(int(self.path.strip("/")))
            self.send_header("Location", "/fine")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            got.append("GET")
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", got
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_has_not_taken_a_note(status, redirecting):
    """Followed, it was a GET without the note, and the note counted as taken. Was red on
    c916469."""
    address, got = redirecting
    with pytest.raises(DestinationUnreachable):
        destinations.http_destination(f"{address}/{status}").send(Notification("checkpoint"))
    assert got == ["POST"]


def test_a_web_address_is_verified(tmp_path, authority):
    server = MailServer(certificate(tmp_path, "127.0.0.1", issuer=authority), from_start=True)
    with pytest.raises(DestinationUnreachable, match="CERTIFICATE_VERIFY_FAILED"):
        destinations.http_destination(f"https://127.0.0.1:{server.start()}/").send(
            Notification(SECRET)
        )
    assert not server.knows(server.clear + server.private)
