"""The test hierarchy: every key behind a virtual card, and the simulated terminal authority.

The real hierarchies are not ours to have: the Japan Agency for Local Authority Information Systems
keeps the JPKI authorities, and the keys behind the card face and the terminals are not published.
These are made at set-up, say JPKI-TEST in their names, and prove nothing outside the simulation.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Final, cast

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from firmware.card.apdu import CommandApdu, Script
from firmware.card.files import (
    FIRST_GENERATION,
    NEXT_GENERATION,
    TERMINAL_CERTIFICATE_KEY_ID,
    CardProfile,
)
from firmware.card.terminal_authority import CHALLENGE_BYTES
from firmware.faults import SimulationNotPrepared, TerminalAuthorityRefused
from firmware.simulator.card_algorithms import (
    PrivateKey,
    PublicKey,
    derived_key,
    fits,
    hash_of,
    new_key,
)
from firmware.simulator.card_verifiable import CardVerifiableCertificate, KeyId
from firmware.simulator.terminal_dialogue import certificate_commands, proof_command
from firmware.simulator.world import PUBLIC_MODE, SECRET_MODE, World, read_prepared, write_whole

CA_NOT_BEFORE: Final = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
# Ten years, as the real authorities have; every virtual card is issued inside them. Those of the
# next cards must outlive certificates of ten years (assumed).
CA_NOT_AFTER: Final = {
    FIRST_GENERATION: dt.datetime(2034, 1, 1, tzinfo=dt.UTC),
    NEXT_GENERATION: dt.datetime(2044, 1, 1, tzinfo=dt.UTC),
}
# The next cards' hierarchy has the same roles and the same names, and a folder of its own.
SUBFOLDERS: Final = {FIRST_GENERATION: ".", NEXT_GENERATION: "next-generation"}


class Role(StrEnum):
    """Whose key it is; the value is the name of its file."""

    USER_AUTHENTICATION_CA = "user-authentication-ca"
    SIGNATURE_CA = "signature-ca"
    VISUAL_ISSUER = "visual-issuer"  # certifies municipalities for 券面事項確認AP
    TEXT_ISSUER = "text-issuer"  # certifies municipalities for 券面事項入力補助AP
    MUNICIPALITY = "municipality"  # signs the data on the card face
    TERMINAL_ROOT = "terminal-root"  # certifies terminals for 特定機関認証
    TERMINAL = "terminal"


# Key ids: 7 digits, 08 05, 3 digits, 4 bytes. The test hierarchy begins with 6 (production with 5).
KEY_IDS: Final = {
    Role.VISUAL_ISSUER: KeyId.of("6000023", "001", 1),
    Role.TEXT_ISSUER: KeyId.of("6000033", "001", 1),
    Role.MUNICIPALITY: KeyId.of("6131016", "001", 1),
    Role.TERMINAL_ROOT: KeyId.of("6000020", "001", 1),
    Role.TERMINAL: KeyId.of("6000020", "901", 1),
}


def authority_name(first_unit: str) -> x509.Name:
    """The distinguished name of a JPKI authority, with the organisation of the test hierarchy."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "JP"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "JPKI-TEST"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, first_unit),
            x509.NameAttribute(
                NameOID.ORGANIZATIONAL_UNIT_NAME,
                "Japan Agency for Local Authority Information Systems",
            ),
        ]
    )


CA_NAMES: Final = {
    Role.USER_AUTHENTICATION_CA: authority_name("JPKI for user authentication"),
    Role.SIGNATURE_CA: authority_name("JPKI for digital signature"),
}


@dataclass(frozen=True)
class Authorities:
    """The hierarchy in its folder. Only `make` generates; elsewhere a missing file is a fault."""

    folder: Path = World().authorities
    profile: CardProfile = FIRST_GENERATION

    def of(self, profile: CardProfile) -> Authorities:
        """The hierarchy behind another generation of cards."""
        return Authorities(self.folder, profile)

    def key(self, role: Role) -> PrivateKey:
        """The private key of one role; raises SimulationNotPrepared."""
        path = self._key_path(role)
        return load_private_key(read_prepared(path), str(path), self.profile)

    def card_key(self, name: str) -> PrivateKey:
        """A key for a card: RSA is drawn anew, P-384 follows from the municipality's and `name`."""
        secret = self.key(Role.MUNICIPALITY)
        if isinstance(secret, ec.EllipticCurvePrivateKey):
            return derived_key(secret, name)
        return new_key(self.profile)

    def certificate(self, role: Role) -> x509.Certificate:
        """The self-signed certificate of a JPKI authority; raises SimulationNotPrepared."""
        path = self._certificate_path(role)
        try:
            return x509.load_pem_x509_certificate(read_prepared(path))
        except ValueError as cause:
            raise SimulationNotPrepared(
                f"{path} is no certificate: remove it, run `make setup`"
            ) from cause

    def municipality_certificate(self, issuer: Role) -> CardVerifiableCertificate:
        """The certificate of the key that signs card faces, by VISUAL_ISSUER or TEXT_ISSUER."""
        return self._certify(issuer, Role.MUNICIPALITY)

    def terminal_certificate(self) -> CardVerifiableCertificate:
        """The terminal's certificate, by the root that every virtual card knows."""
        return self._certify(Role.TERMINAL_ROOT, Role.TERMINAL)

    def _certify(self, issuer: Role, subject: Role) -> CardVerifiableCertificate:
        return CardVerifiableCertificate.issue(
            issuer=KEY_IDS[issuer],
            issuer_key=self.key(issuer),
            subject=KEY_IDS[subject],
            subject_key=self.key(subject).public_key(),
        )

    @property
    def _own_folder(self) -> Path:
        return self.folder / SUBFOLDERS[self.profile]

    def _key_path(self, role: Role) -> Path:
        return self._own_folder / f"{role}.key.pem"

    def _certificate_path(self, role: Role) -> Path:
        return self._own_folder / f"{role}.crt.pem"

    def make(self) -> None:
        """Generate what is absent; what is there stays, so cards made earlier stay valid."""
        for role in Role:
            if not self._key_path(role).exists():
                self._certificate_path(role).unlink(missing_ok=True)
                write_whole(self._key_path(role), private_pem(new_key(self.profile)), SECRET_MODE)
        for role in CA_NAMES:
            if not self._certificate_path(role).exists():
                certificate = self_signed(
                    CA_NAMES[role], self.key(role), CA_NOT_AFTER[self.profile]
                )
                content = certificate.public_bytes(serialization.Encoding.PEM)
                write_whole(self._certificate_path(role), content, PUBLIC_MODE)

    def write_public(self, out: Path) -> list[Path]:
        """Write all that a verifier may trust in simulation, and no private key; returns the files.

        `<ca>.pem` are certificates; `card-face-issuers.json` lists each card-face issuer as
        {application, key_id (16 bytes in hex), public_key (PEM)}; `terminal-root.pem` is a key.
        """
        contents = {
            f"{role}.pem": self.certificate(role).public_bytes(serialization.Encoding.PEM)
            for role in CA_NAMES
        }
        issuers = [
            {
                "application": application,
                "key_id": KEY_IDS[role].value.hex(),
                "public_key": public_pem(self.key(role).public_key()).decode(),
            }
            for application, role in (("visual", Role.VISUAL_ISSUER), ("text", Role.TEXT_ISSUER))
        ]
        contents["card-face-issuers.json"] = (
            msgspec.json.format(msgspec.json.encode(issuers)) + b"\n"
        )
        contents["terminal-root.pem"] = public_pem(self.key(Role.TERMINAL_ROOT).public_key())
        for name, content in contents.items():
            write_whole(out / name, content, PUBLIC_MODE)
        return [out / name for name in contents]


def private_pem(key: PrivateKey) -> bytes:
    """PKCS #8, not encrypted: a test key in a file for its owner alone."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def public_pem(key: PublicKey) -> bytes:
    """SubjectPublicKeyInfo in PEM."""
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def load_private_key(pem: bytes, source: str, profile: CardProfile) -> PrivateKey:
    """A private key of the profile from PEM; `source` names the file in the
    SimulationNotPrepared raised."""
    try:
        # Our own keys: their primes are not proven again, which would take 30 ms a key.
        key = serialization.load_pem_private_key(
            pem, password=None, unsafe_skip_rsa_key_validation=True
        )
    except (ValueError, TypeError, UnsupportedAlgorithm) as cause:
        raise SimulationNotPrepared(f"{source} is no key: remove it, run `make setup`") from cause
    if not fits(profile, key):
        raise SimulationNotPrepared(
            f"{source} is no key of a card of the {profile.name}: remove it, run `make setup`"
        )
    return cast(PrivateKey, key)


def load_public_key(pem: bytes, source: str, profile: CardProfile) -> PublicKey:
    """A public key from PEM, as `load_private_key`."""
    try:
        key = serialization.load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as cause:
        raise SimulationNotPrepared(f"{source} is no key: remove it, run `make setup`") from cause
    if not fits(profile, key):
        raise SimulationNotPrepared(f"{source} is another key: remove it, run `make setup`")
    return cast(PublicKey, key)


def self_signed(name: x509.Name, key: PrivateKey, not_after: dt.datetime) -> x509.Certificate:
    """A root as JPKI's are: keyCertSign and cRLSign, CA without a path length."""
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(CA_NOT_BEFORE)
        .not_valid_after(not_after)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(key_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hash_of(key))
    )


def key_usage(
    *,
    digital_signature: bool = False,
    content_commitment: bool = False,
    key_cert_sign: bool = False,
    crl_sign: bool = False,
) -> x509.KeyUsage:
    """The key usages that JPKI certificates carry; all others are off."""
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=content_commitment,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


@dataclass(frozen=True)
class SimulatedTerminalAuthority:
    """Holds a terminal's key and certificate of the test hierarchy: unlocks virtual cards alone."""

    folder: Path = World().authorities

    @cached_property
    def _certificate(self) -> CardVerifiableCertificate:
        return Authorities(self.folder).terminal_certificate()

    @cached_property
    def _key(self) -> PrivateKey:
        return Authorities(self.folder).key(Role.TERMINAL)

    def unlock(self) -> Script[None]:
        """Open the user-authentication key of the card whose JPKI AP is selected.

        Raises TerminalAuthorityRefused with the step that the card did not accept, and
        SimulationNotPrepared without set-up.
        """
        yield from accepted(
            CommandApdu.select_ef(TERMINAL_CERTIFICATE_KEY_ID), "the terminal root was not found"
        )
        body, signature = certificate_commands(self._certificate)
        yield from accepted(body, "the certificate's body was not taken")
        yield from accepted(signature, "the certificate is not the root's")
        challenge = yield from accepted(
            CommandApdu.get_challenge(CHALLENGE_BYTES), "no challenge was given"
        )
        yield from accepted(proof_command(self._key, challenge), "the proof was not accepted")


def accepted(command: CommandApdu, otherwise: str) -> Script[bytes]:
    """One step: the data of its answer, or TerminalAuthorityRefused saying `otherwise`."""
    response = yield command
    if not response.is_ok:
        raise TerminalAuthorityRefused(f"{otherwise} ({response.status_word:04X})")
    return response.data
