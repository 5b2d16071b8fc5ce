"""TLS from outside: curl and openssl."""

import json
import signal
import ssl
import subprocess

from processes import wait_until
from raw_http import get


def certificate(folder, name, host):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem", "-subj", f"/CN={host}",
                    "-addext", f"subjectAltName=DNS:{host}"], check=True, capture_output=True)


def test_a_key_that_cannot_be_read_keeps_no_certificate_away(launch):
    server = launch()
    certificate(server.folder, "server", "localhost")
    server.settings.update({"http.tls.certificate_file": str(server.folder / "server.pem"), "http.tls.key_file": str(server.folder / "server.key")})
    server.start()

    def served():
        return ssl.get_server_certificate(server.address, timeout=30)

    before = served()
    spoilt = server.folder / "var/keys/spoilt.pem"
    spoilt.touch(mode=0o600)
    spoilt.write_text("rubbish")
    certificate(server.folder, "server", "localhost")
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: served() != before, seconds=20, what="the new certificate")
    wait_until(lambda: any("spoilt.pem" in x.get("reason", "") for x in server.log_lines()), what="a word about the key")
    assert "keys and certificates were read again" not in server.log()
    spoilt.unlink()
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "keys and certificates were read again" in server.log(), what="both to be read")


def test_tls_and_new_certificates_without_a_restart(launch):
    server = launch()
    certificate(server.folder, "server", "localhost")
    server.settings.update({"http.tls.certificate_file": str(server.folder / "server.pem"), "http.tls.key_file": str(server.folder / "server.key")})
    server.start()
    address = f"{server.address[0]}:{server.address[1]}"

    def curl(*arguments):
        return subprocess.run(["curl", "-sS", "--max-time", "20", "--cacert", server.folder / "server.pem", "--connect-to", f"localhost:443:{address}",
                               *arguments, "https://localhost/version"], capture_output=True, text=True)

    def serial():
        shown = subprocess.run(["openssl", "s_client", "-connect", address, "-servername", "localhost"], input="", capture_output=True, text=True, timeout=30)
        return subprocess.run(["openssl", "x509", "-noout", "-serial"], input=shown.stdout, capture_output=True, text=True).stdout

    assert json.loads(curl().stdout)["name"]
    assert curl("--tls-max", "1.2").returncode == 0
    assert subprocess.run(["openssl", "s_client", "-connect", address, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], input="", capture_output=True,
                          text=True, timeout=30).returncode != 0, "TLS 1.1 is over"
    before = serial()
    certificate(server.folder, "server", "localhost")
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: serial() not in ("", before), what="the new certificate")
    assert curl().returncode == 0
    (server.folder / "server.pem").write_text("rubbish")
    after = serial()
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "the certificates could not be read again" in server.log(), what="a word about the bad certificate")
    assert serial() == after, "the old certificate stays when the new one is bad"
    # Plain text on a TLS port ends the connection and not the server.
    assert not server.raw(get()).startswith(b"HTTP/1.1 200") and curl("-k").returncode == 0
