"""Certificates of a throw-away authority, and channel bindings. Not a program: `windows-pair` uses it."""
import datetime
import ipaddress
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from spnego.channel_bindings import GssChannelBindings

HOSTS = ("localhost", "dhcp1.contoso.com", "dhcp2.contoso.com")


def make_certificates(folder):
    """Paths of PEM files: the authority's certificate, the server's, its key."""
    now, day = datetime.datetime.now(datetime.timezone.utc), datetime.timedelta(days=1)

    def certificate(name, key, issuer, issuer_key, *extensions):
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer or subject).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - day).not_valid_after(now + 30 * day)
        for extension in extensions:
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return builder.sign(issuer_key, hashes.SHA256())

    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = certificate("Throw-away authority", authority_key, None, authority_key, x509.BasicConstraints(True, None))
    names = [*map(x509.DNSName, HOSTS), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    own = certificate("localhost", key, authority.subject, authority_key, x509.BasicConstraints(False, None),
                      x509.SubjectAlternativeName(names), x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]))
    pem, paths = serialization.Encoding.PEM, []
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    for name, data in (("ca.pem", authority.public_bytes(pem)), ("server.pem", own.public_bytes(pem)), ("server.key", secret)):
        paths.append(os.path.join(folder, name))
        with open(paths[-1], "wb") as fh:
            fh.write(data)
    return paths


def bindings_of(path):
    """tls-server-end-point (RFC 5929): the certificate's hash, by its signature's hash but at least SHA-256."""
    with open(path, "rb") as fh:
        cert = x509.load_pem_x509_certificate(fh.read())
    alg = cert.signature_hash_algorithm
    alg = hashes.SHA256() if alg is None or alg.name in ("md5", "sha1") else alg
    return GssChannelBindings(application_data=b"tls-server-end-point:" + cert.fingerprint(alg))
