"""Any order of requests, cards and mishaps: nothing false is accepted, no try is spent unasked.

A machine of hypothesis lays down cards that differ, takes them away, lets a mishap befall a coming
command, and asks the desk what a firmware may ask, in any order. Beside it goes a model that knows
the cards' secrets. `KAZASHI_CARD_MACHINE` is the number of runs; the few of every day are always
the same, more are random (`make card-machine`).
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from desk_of_card import DIGEST, VISIT, WRONG_B, WRONG_PIN, signing
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from mishaps import CUTS, ODD_WORDS, Disturbed, WorkerKilled
from personalised import image, world

from firmware.card import files, jpki, requests
from firmware.card.desk import CardDesk
from firmware.card.files import Key
from firmware.card.requests import (
    CardFaceRead,
    CardIdentified,
    CardMessage,
    CardProblem,
    CertificateRead,
    CollationNumberRefused,
    IdentifyCard,
    PinTries,
    PinVerified,
    PinWrong,
    QueryPinTries,
    ReadCardFace,
    ReadCertificate,
    ReleaseCard,
    StatementSigned,
    VerifyPin,
)
from firmware.faults import CardFault
from firmware.simulator.authorities import SimulatedTerminalAuthority
from firmware.simulator.card import VirtualCard
from firmware.simulator.card_forgery import Broken
from firmware.simulator.card_options import CardOptions
from firmware.simulator.chip_kinds import CHIP_KINDS
from firmware.simulator.other_cards import CHIPS, other_card
from firmware.simulator.patients import find
from firmware.simulator.people import card_facts, collation_number_b
from firmware.simulator.slot import AnyMishap, CutShort, OddStatus, PowerLoss, Pull, Silence
from firmware.words import CardSigning, PhotoAuthenticity

EVERY_DAY = 150
RUNS = int(os.environ.get("KAZASHI_CARD_MACHINE", EVERY_DAY))
TYPED = {fault.code for fault in CardFault.__subclasses__()} | {CardFault.code}
MAY_ANSWER = {
    IdentifyCard: (CardIdentified,),
    ReadCardFace: (CardFaceRead, CollationNumberRefused),
    QueryPinTries: (PinTries,),
    VerifyPin: (PinVerified, PinWrong, PinTries),
    ReadCertificate: (CertificateRead,),
    requests.SignStatement: (StatementSigned,),
    ReleaseCard: (requests.CardReleased,),
}
CARDS = ("valid", "no_photo", "one_try_left", "pin_blocked", "phone", "drivers_licence")
# Two such lies lead a secret to another key, and nobody could tell; one alone is in the sweep.
LIE = {0x9000}
PIN_KEY, NUMBER_KEY = "user_authentication_pin", "collation_number_b"
INITIAL_TRIES = {
    PIN_KEY: Key.USER_AUTHENTICATION_PIN.initial_tries,
    NUMBER_KEY: Key.COLLATION_NUMBER_B.initial_tries,
}
FACE_BROKEN = (Broken.FACE, Broken.FACE_CHIP)

mishaps = st.one_of(
    st.builds(Pull, after=st.integers(0, 30)),
    st.builds(PowerLoss, after=st.integers(0, 30)),
    st.builds(Silence, after=st.integers(0, 30)),
    st.builds(
        OddStatus,
        after=st.integers(0, 30),
        ins=st.sampled_from([None, 0xA4, 0xB0, 0x20, 0x2A]),
        status_word=st.sampled_from(sorted(set(ODD_WORDS) - LIE)),
    ),
    st.builds(CutShort, after=st.integers(0, 30), length=st.sampled_from(CUTS)),
)


options = st.builds(
    CardOptions,
    blocked_try=st.sampled_from(["6984", "6983"]),
    blocked_query=st.sampled_from(["63C0", "6984", "6983"]),
    open_query=st.sampled_from(["63Cx", "9000"]),
    first_command_fails=st.booleans(),
    select_keeps_keys=st.booleans(),
    wrong_length_is_free=st.booleans(),
    short_lengths_only=st.booleans(),
    short_read=st.sampled_from(["9000", "6282", "6Cxx"]),
    broken=st.sampled_from([None, None, Broken.FACE, Broken.FACE_CHIP, Broken.USER_KEY]),
)


def laid(patient: str, options: CardOptions) -> Disturbed:
    if patient in CHIPS:
        return Disturbed(other_card(patient))
    return Disturbed(VirtualCard(image(patient), CHIP_KINDS[find(patient).kind], options))


def certificate_of(patient: str) -> bytes:
    return image(patient).content(files.USER_AUTHENTICATION_CERTIFICATE)


TOO_EARLY = (
    QueryPinTries(),
    VerifyPin(WRONG_PIN, 0),
    ReadCertificate(),
    ReadCardFace(VISIT, WRONG_B),
    signing(b"a certificate"),
)
with_a_card = precondition(lambda machine: machine.is_open)


@dataclass
class Laid:
    """The card that lies there, and what the model knows of it."""

    patient: str
    options: CardOptions
    reader: Disturbed
    tries_left: dict[str, int]
    key_was_opened: bool = False  # by the right PIN, or a terminal, since it has been laid down
    may_lie: bool = False  # an odd status word may have stood for a counter

    def has_the_right(self, key: str, secret: bytes) -> bool:
        if self.patient in CHIPS:
            return False
        facts = find(self.patient)
        right = card_facts(facts).pin if key == PIN_KEY else collation_number_b(facts)
        return secret == right.encode()


def lay(patient: str, options: CardOptions) -> Laid:
    reader = laid(patient, options)
    return Laid(patient, options, reader, dict(reader.report().tries_left))


class CardMachine(RuleBasedStateMachine):
    """One reader, one worker at a time, and the cards that come and go."""

    def __init__(self) -> None:
        super().__init__()
        self.there = self.identified = lay("valid", CardOptions())
        self.is_open = False  # it has been identified, by the worker of now
        self.photos: list[bytes] = []
        self.block = 65536
        self.start_worker()

    def start_worker(self) -> None:
        self.desk = CardDesk(
            self.connect,
            lambda _visit, photo: self.photos.append(photo),
            {},
            SimulatedTerminalAuthority(world().authorities),
            self.block,
        )

    def connect(self) -> Disturbed:
        return self.there.reader.connected()  # whichever lies there now

    # --- what happens on the reader
    @initialize(block=st.sampled_from([256, 65536]))
    def begin(self, block: int) -> None:
        self.block = block
        self.start_worker()

    # --- visits as they mostly are
    @rule(
        patient=st.sampled_from(CARDS),
        options=options,
        mishap=st.none() | mishaps,
        right=st.booleans(),
        last_try_confirmed=st.booleans(),
    )
    def visit_by_pin(
        self,
        patient: str,
        options: CardOptions,
        mishap: AnyMishap | None,
        right: bool,
        last_try_confirmed: bool,
    ) -> None:
        self.begin_with(patient, options, mishap)
        if self.is_open:
            self.query()
        if self.is_open:
            self.verify(right, last_try_confirmed)
        if self.is_open:
            self.read_certificate()
        if self.is_open:
            self.sign(CardSigning.PIN, own=True)

    @rule(
        patient=st.sampled_from(CARDS),
        options=options,
        mishap=st.none() | mishaps,
        right=st.booleans(),
    )
    def visit_by_face(
        self, patient: str, options: CardOptions, mishap: AnyMishap | None, right: bool
    ) -> None:
        self.begin_with(patient, options, mishap)
        if self.is_open:
            self.read_face(right)
        if self.is_open:
            self.read_certificate()
        if self.is_open:
            self.sign(CardSigning.TERMINAL_AUTHORITY, own=True)

    def begin_with(self, patient: str, options: CardOptions, mishap: AnyMishap | None) -> None:
        self.swap(patient, options)
        if mishap is not None:
            self.disturb(mishap)
        self.identify()

    @rule(patient=st.sampled_from(CARDS), options=options)
    def swap(self, patient: str, options: CardOptions) -> None:
        self.there.reader.is_gone = True
        self.there.reader.slot.card.power_off()
        self.there = lay(patient, options)

    @rule()
    def put_back(self) -> None:
        """The same card, taken away and laid down again: its counters are its own."""
        self.there.reader.slot.card.power_off()
        self.there.reader.is_gone = False

    @rule(mishap=mishaps)
    def disturb(self, mishap: AnyMishap) -> None:
        self.there.reader.arrange(mishap)
        self.there.may_lie |= isinstance(mishap, OddStatus)

    @rule(after=st.integers(0, 20))
    def let_another_program_reset(self, after: int) -> None:
        self.there.reader.arrange_reset(after)

    # --- what is asked of the desk
    @rule()
    def identify(self) -> None:
        self.identified = self.there  # all that is read from here on is this card's
        self.is_open = isinstance(self.ask(IdentifyCard()), CardIdentified)

    @precondition(lambda self: not self.is_open)
    @rule(request=st.sampled_from(TOO_EARLY))
    def ask_too_early(self, request: CardMessage) -> None:
        sent = len(self.there.reader.sent)
        assert isinstance(self.desk.answer(request), CardProblem)
        assert len(self.there.reader.sent) == sent

    @with_a_card
    @rule(right=st.sampled_from([True, True, False]))
    def read_face(self, right: bool) -> None:
        facts = find(self.there.patient)
        number = collation_number_b(facts).encode() if right and facts.card else WRONG_B
        answer = self.ask(ReadCardFace(VISIT, number), NUMBER_KEY, number)
        if isinstance(answer, CardFaceRead) and self.identified.options.broken in FACE_BROKEN:
            assert answer.authenticity is PhotoAuthenticity.FORGED

    @with_a_card
    @rule()
    def send_photo_again(self) -> None:
        self.ask(ReadCardFace(VISIT, None))

    @with_a_card
    @rule()
    def query(self) -> None:
        answer = self.ask(QueryPinTries())
        if isinstance(answer, PinTries) and not self.there.may_lie:
            assert answer.tries_left == self.there.tries_left[PIN_KEY]

    @with_a_card
    @rule(right=st.sampled_from([True, True, False]), last_try_confirmed=st.booleans())
    def verify(self, right: bool, last_try_confirmed: bool) -> None:
        facts = find(self.there.patient)
        pin = card_facts(facts).pin.encode() if right and facts.card else WRONG_PIN
        kept = 0 if last_try_confirmed else 1
        left = self.there.tries_left.get(PIN_KEY, 0)
        answer = self.ask(VerifyPin(pin, kept), PIN_KEY, pin)
        if isinstance(answer, PinVerified):
            assert self.there.has_the_right(PIN_KEY, pin)
        if isinstance(answer, PinVerified | PinWrong) and not self.there.may_lie:
            assert left > kept

    @with_a_card
    @rule()
    def read_certificate(self) -> None:
        answer = self.ask(ReadCertificate())
        if isinstance(answer, CertificateRead) and answer.certificate is not None:
            assert answer.certificate == certificate_of(self.there.patient)

    @with_a_card
    @rule(by=st.sampled_from([CardSigning.PIN, CardSigning.TERMINAL_AUTHORITY]), own=st.booleans())
    def sign(self, by: CardSigning, own: bool) -> None:
        there = self.there
        claimed = there.patient if own and there.patient not in CHIPS else "no_photo"
        there.key_was_opened |= by is CardSigning.TERMINAL_AUTHORITY
        answer = self.ask(signing(certificate_of(claimed), by))
        if isinstance(answer, StatementSigned):
            assert claimed == there.patient
            assert there.options.broken is not Broken.USER_KEY
            assert there.key_was_opened
            jpki.verify_signature(certificate_of(claimed), DIGEST, answer.signature)

    @rule()
    def release(self) -> None:
        self.ask(ReleaseCard())
        self.is_open = False
        assert not self.there.reader.is_held

    # --- what holds of every answer
    def ask(self, request: CardMessage, key: str | None = None, secret: bytes = b"") -> CardMessage:
        """The answer; `Lost` when waiting for it cost the worker its life."""
        there, photos = self.there, len(self.photos)
        sent, reached = there.reader.verifies_sent, there.reader.report().verifies_sent
        try:
            answer = self.desk.answer(request)
        except WorkerKilled:
            answer = Lost()
            there.reader.close()  # the daemon does so when its client's process is gone
            self.is_open = False
            self.start_worker()
        assert isinstance(answer, (*MAY_ANSWER[type(request)], CardProblem, Lost))
        if isinstance(answer, CardProblem):
            nothing_read_yet = request == ReadCardFace(VISIT, None)
            assert answer.code in TYPED or (nothing_read_yet and answer.code == "device_fault")
        assert there.reader.verifies_sent - sent <= (key is not None), "a VERIFY too many"
        if key is not None and there.reader.report().verifies_sent > reached:
            self.count(key, secret)
        for photo in self.photos[photos:]:
            assert photo in image(self.identified.patient).files[files.CARD_FACE]
        return answer

    def count(self, key: str, secret: bytes) -> None:
        """A secret reached the card, as somebody had asked."""
        left = self.there.tries_left[key]
        if left and self.there.has_the_right(key, secret):
            self.there.tries_left[key] = INITIAL_TRIES[key]
            self.there.key_was_opened |= key == PIN_KEY
        else:
            self.there.tries_left[key] = max(left - 1, 0)

    @invariant()
    def tries_burned_are_those_confirmed(self) -> None:
        """Of every key: also of those that nobody may ask for."""
        assert dict(self.there.reader.report().tries_left) == self.there.tries_left


class Lost(CardMessage, frozen=True):
    """In place of an answer."""


CardMachine.TestCase.settings = settings(
    max_examples=RUNS,
    stateful_step_count=30,
    deadline=None,
    derandomize=RUNS <= EVERY_DAY,
    database=None,
    suppress_health_check=list(HealthCheck),
)
TestCardMachine = CardMachine.TestCase
