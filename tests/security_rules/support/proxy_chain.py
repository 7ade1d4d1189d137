"""A real nginx before an application of ours, once or twice, with or without TLS."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from threading import Thread

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask
from werkzeug.serving import make_server

APPENDS = "$proxy_add_x_forwarded_for"
REPLACES = "$remote_addr"
PASSES = "$http_x_forwarded_for"


def found() -> bool:
    """Whether there is an nginx on this machine."""
    return shutil.which("nginx") is not None


@contextmanager
def served(app: Flask, port: int) -> Iterator[None]:
    """The application on a port of loopback."""
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def nginx(folder: Path, hops: list[tuple[int, int, str]], tls: bool = False) -> Iterator[None]:
    """Proxies: each listens on a port, passes on to another, and does so with the header. With
    ``tls`` the first has the certificate ``cert.pem`` of the folder."""
    servers = "".join(_server(folder, *hop, tls=tls and n == 0) for n, hop in enumerate(hops))
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;"
        f"events {{}} http {{ access_log off; client_body_temp_path {folder}/body;"
        f"proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u;"
        f"scgi_temp_path {folder}/s; {servers} }}"
    )
    program = shutil.which("nginx")
    assert program is not None
    process = subprocess.Popen([program, "-c", str(config), "-p", str(folder)])
    try:
        _until_open(hops[0][0])
        yield
    finally:
        process.terminate()
        process.wait(10)


def _server(folder: Path, port: int, to: int, header: str, *, tls: bool) -> str:
    secured = f"ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;"
    return (
        f"server {{ listen 127.0.0.1:{port}{' ssl' if tls else ''}; {secured if tls else ''}"
        f"location / {{ proxy_pass http://127.0.0.1:{to}; proxy_set_header Host $host;"
        f"proxy_set_header X-Forwarded-For {header}; }} }}"
    )


def certificate(folder: Path) -> Path:
    """A certificate for loopback that signs itself; its file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return folder / "cert.pem"


def _until_open(port: int) -> None:
    for _ in range(400):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"nginx does not listen on {port}")
