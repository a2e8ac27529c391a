"""The sandbox's own certificate authority, for the host names that clients ask for by TLS."""

import ssl
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Authority:
    """A CA that lives as long as the data folder; its certificates for hosts live as long as the process."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @staticmethod
    def generate() -> "Authority":
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name("WAREST sandbox")
        builder = _builder(name, name, key.public_key(), days=20 * 365)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        return Authority(key, builder.sign(key, hashes.SHA256()))

    @staticmethod
    def from_pem(data: bytes) -> "Authority":
        key = serialization.load_pem_private_key(data, None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return Authority(key, x509.load_pem_x509_certificate(data))

    def to_pem(self) -> bytes:
        return _key_pem(self.key) + _certificate_pem(self.certificate)

    @property
    def ca(self) -> str:
        """What clients must trust."""
        return _certificate_pem(self.certificate).decode()

    def context(self, hosts: list[str]) -> ssl.SSLContext:
        """TLS for these hosts, with a fresh certificate that is valid from yesterday."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_name(hosts[0]), self.certificate.subject, key.public_key(), days=365)
        names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        builder = builder.add_extension(names, critical=False).add_extension(usage, critical=False)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.NamedTemporaryFile() as file:  # OpenSSL takes keys from files only; this one has mode 0600.
            file.write(_key_pem(key) + _certificate_pem(builder.sign(self.key, hashes.SHA256())))
            file.flush()
            context.load_cert_chain(file.name)
        return context


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, *, days: int
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(now - _DAY).not_valid_after(now + days * _DAY)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _certificate_pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
