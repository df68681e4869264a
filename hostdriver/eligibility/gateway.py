"""What the host driver asks of an eligibility service, whichever one it is.

Four verbs follow one visit: a challenge before the card, registration when identity is proven,
register when the patient wants it, confirm past the point of no return. The fifth, query, is for
visits without a card. A refusal is a value; only a service that cannot be asked is a fault,
`UpstreamUnavailable`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from joserfc.jwk import OKPKey

from firmware.statement import Evidence
from firmware.words import Cause, CertificateWarning, Method, Registration
from hostdriver.eligibility.answer import Eligibility, QualificationConfirmSearchInfo


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an adapter can do; told to reception in `hello`."""

    adapter: str
    confirms_cards: bool
    registers: bool
    queries: bool
    synthetic: bool
    """Its insured persons are invented: nothing that it says may reach a live folder."""
    set_up: bool = True
    """Whether the site has given it what it needs to answer. A driver that was just installed runs
    without, so that it can say what is missing."""


@dataclass(frozen=True, slots=True)
class RegistrationReport:
    """What the service says of a card before anything is stated about its holder."""

    registration: Registration
    cause: Cause | None
    clinical_consent_allowed: bool = True
    """False in the three months after the certificate's expiry: eligibility only."""
    certificate_warning: CertificateWarning | None = None


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What the service says of the evidence. `eligibility` is there if and only if it accepted."""

    accepted: bool
    cause: Cause | None
    eligibility: Eligibility | None
    certificate_warning: CertificateWarning | None = None


@dataclass(frozen=True, slots=True)
class InsuredCardQuestion:
    """A question by insured-card data. `asked` prints as its name: it is about a person."""

    inquiry_id: UUID
    requester: str
    asked: QualificationConfirmSearchInfo


class Gateway(Protocol):
    """One eligibility service. Every verb raises `UpstreamUnavailable` when it cannot be asked."""

    @property
    def capabilities(self) -> Capabilities:
        """What this adapter can do."""

    async def challenge(self, transaction_id: UUID) -> bytes | None:
        """A fresh challenge for one visit's statement; None if the service has none."""

    async def registration(
        self, transaction_id: UUID, card_certificate: bytes, method: Method
    ) -> RegistrationReport:
        """Is the holder of this certificate (DER), proven by `method`, registered?

        The certificate is checked too; one in a phone has no months of grace.
        """

    async def register(self, transaction_id: UUID, card_certificate: bytes) -> RegistrationReport:
        """Register this card as an insurance certificate, as its holder asked on the panel."""

    async def confirm(
        self, transaction_id: UUID, evidence: Evidence, device_key: OKPKey
    ) -> Confirmation:
        """Check the evidence with the device key pinned at pairing, and answer eligibility."""

    async def query(self, question: InsuredCardQuestion) -> Eligibility:
        """The answer to a question by insured-card data; only where `capabilities.queries`."""
