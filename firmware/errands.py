"""The work that a visit sets going at the workers; each errand ends in an event. [shell]

It holds what must not be in a `Visit`: the printed number until it is used, the certificate, the
evidence. `forget` drops it all.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

from firmware.card import requests as card
from firmware.device import Device
from firmware.faults import Fault, WorkerLost
from firmware.link.messages import StartTransaction
from firmware.match import requests as vision
from firmware.panel.pin_pad import wipe
from firmware.replies import WRONG_FACE_FILE, card_event, cause_of, vision_event
from firmware.settings import Settings
from firmware.staff import StaffGate, staff_with
from firmware.statement import RSA_PKCS1_SHA256, Evidence, freeze, sign
from firmware.transaction import events as e
from firmware.transaction.stating import Facts, statement_of
from firmware.transaction.visit import Visit
from firmware.words import CardSigning, Cause, Method, Registration
from firmware.worker import SupervisedWorker

CardWorker = SupervisedWorker[card.CardMessage, card.CardMessage, card.CardMessage]
VisionWorker = SupervisedWorker[vision.VisionMessage, vision.VisionMessage, vision.VisionMessage]

log = logging.getLogger(__name__)

READ_PRINT_WITHIN_S: Final = 4.0


class Errands:
    """The errands of one device; of one visit at a time."""

    def __init__(
        self,
        settings: Settings,
        device: Device,
        card_worker: CardWorker,
        vision_worker: VisionWorker,
        take_digits: Callable[[], bytearray | None],
        *,
        staff_gate: StaffGate,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._device = settings, device
        self._staff_gate, self._clock = staff_gate, clock
        self._card, self._vision = card_worker, vision_worker
        self._take_digits = take_digits
        self._readers: dict[str, card.ReaderLearnt] = {}  # no person's: nothing forgets it
        self._printed_number = bytearray()
        self._pin_was_typed = False
        self.certificate: bytes | None = None
        self.evidence: Evidence | None = None

    # --- card and print
    def note_reader(self, learnt: card.ReaderLearnt) -> None:
        """What a card worker found out; the next one is told."""
        self._readers[learnt.reader] = learnt

    async def identify_card(self) -> e.Event | None:
        """→ `CardIdentified`"""
        return card_event(await self._card.ask(card.IdentifyCard(tuple(self._readers.values()))))

    async def read_print(self, visit: UUID) -> e.Event | None:
        """照合番号B by the tray camera. → `PrintRead` or `PrintDoubtful`"""
        today = self._device.now().wall.strftime("%Y%m%d")
        within_s = READ_PRINT_WITHIN_S * self._settings.time_scale
        try:
            reply = await self._vision.ask(vision.ReadPrintedNumber(visit, today, within_s))
        except WorkerLost:
            return e.PrintDoubtful()
        if not isinstance(reply, vision.PrintedNumber) or reply.digits is None:
            return e.PrintDoubtful()
        self._printed_number[:] = reply.digits
        return e.PrintRead()

    async def read_card_face(self, visit: UUID) -> e.Event | None:
        """Opens the card face once. → `CardFaceOpened`, `CardFaceRefused`"""
        keyed = self._take_digits()
        if keyed is not None:
            self._printed_number[:] = keyed
            wipe(keyed)
        number = bytes(self._printed_number) or None
        self._wipe_printed_number()
        reply = await self._card.ask(card.ReadCardFace(visit, number))
        if isinstance(reply, card.CardProblem) and reply.code in WRONG_FACE_FILE:
            return e.CardFaceRefused()
        return card_event(reply)

    # --- face
    async def wake_camera(self, visit: UUID) -> e.Event | None:
        """The camera runs while the card is read."""
        await self._tell_camera(vision.StartLooking(visit))
        return None

    async def compare_faces(self, visit: UUID) -> e.Event | None:
        """→ `FacesCompared`; if the worker is lost on the way, the photo is sent again, once."""
        compare = vision.CompareFaces(visit, self._settings.look_s * self._settings.time_scale)
        try:
            return vision_event(await self._vision.ask(compare))
        except WorkerLost:
            await self._tell_camera(vision.StartLooking(visit))
        await self._card.ask(card.ReadCardFace(visit, None))
        try:
            return vision_event(await self._vision.ask(compare))
        except WorkerLost:
            return e.CameraFailed()

    async def stop_looking(self) -> e.Event | None:
        """The camera rests."""
        await self._tell_camera(vision.StopLooking())
        return None

    async def _tell_camera(self, request: vision.VisionMessage) -> None:
        """A camera that fails here is told of when faces are to be compared."""
        try:
            reply = await self._vision.ask(request)
        except WorkerLost as lost:
            log.warning("camera: %s", lost)
        else:
            if isinstance(reply, vision.VisionProblem):
                log.warning("camera: %s", reply.reason)

    # --- PIN and staff
    async def query_pin_tries(self) -> e.Event | None:
        """→ `PinTriesReported`, at no cost."""
        return card_event(await self._card.ask(card.QueryPinTries()))

    async def verify_pin(self, visit: Visit) -> e.Event | None:
        """One try, confirmed by the patient. → `PinAccepted`, `PinRefused`"""
        digits = self._take_digits()
        if digits is None:
            raise Fault("no digits were confirmed")
        self._pin_was_typed = True
        kept = 0 if visit.last_try_confirmed else 1
        request = card.VerifyPin(bytes(digits), kept)
        wipe(digits)
        reply = await self._card.ask(request)
        if isinstance(reply, card.PinTries) and reply.tries_left is not None:
            return e.PinNotTried(reply.tries_left)
        return card_event(reply)

    async def check_staff_passcode(self) -> e.Event | None:
        """→ `StaffAccepted`, `StaffRefused`; `StaffClosed` when none is looked at any more."""
        digits = self._take_digits()
        if digits is None:
            return e.StaffRefused()
        gate = self._staff_gate
        if not gate.is_open(self._clock()):
            wipe(digits)
            return e.StaffClosed()
        staff_id = await asyncio.to_thread(self._staff_who_typed, digits)
        if staff_id is not None:
            return e.StaffAccepted(staff_id)
        gate.note_wrong(self._clock())
        # Before anybody is told: pulling the plug undoes nothing.
        await self._keep_wrong_passcodes()
        return e.StaffRefused() if gate.is_open(self._clock()) else e.StaffClosed()

    def _staff_who_typed(self, digits: bytearray) -> str | None:
        """Wipes the digits, also when nobody waits for the answer any more."""
        try:
            return staff_with(digits, self._settings.staff)
        finally:
            wipe(digits)

    async def _keep_wrong_passcodes(self) -> None:
        count = self._staff_gate.remembered(self._clock())
        await asyncio.to_thread(self._device.keep_wrong_passcodes, count)

    # --- certificate and signature
    async def read_certificate(self) -> e.Event | None:
        """Keeps the certificate for this visit; None when it could be read."""
        reply = await self._card.ask(card.ReadCertificate())
        if not isinstance(reply, card.CertificateRead):
            return card_event(reply)
        if reply.certificate is None:
            return e.RegistrationReported(
                Registration.REFUSED, Cause.CERTIFICATE_MISSING, clinical_consent_allowed=False
            )
        self.certificate = reply.certificate
        return None

    async def sign_statement(self, visit: Visit, started: StartTransaction) -> e.Event | None:
        """Freezes the statement; the card signs it, then the device. → `StatementSigned`"""
        if self.certificate is None:
            raise Fault("the certificate was not read")
        card_signing = self._card_signing(visit)
        facts = Facts(
            device_id=self._device.device_id,
            boot_id=self._device.boot_id,
            counter=self._device.numbering.next,
            requester=started.requester,
            requester_nonce=started.requester_nonce,
            gateway_challenge=started.gateway_challenge,
            card_signing=card_signing,
            card_certificate=self.certificate,
        )
        payload = freeze(statement_of(visit, facts, self._device.now()))
        signature = None
        if card_signing is not CardSigning.NONE:
            request = card.SignStatement(payload, card_signing, self.certificate)
            reply = await self._card.ask(request)
            if not isinstance(reply, card.StatementSigned):
                return card_event(reply)
            signature = reply.signature
        # Only now: what the card alone has signed states nothing, and must leave no number out.
        await asyncio.to_thread(self._device.count, started.transaction_id)
        self.evidence = Evidence(
            statement=sign(payload, self._device.key),
            card_certificate=self.certificate,
            card_signature=signature,
            card_signature_algorithm=RSA_PKCS1_SHA256 if signature else None,
        )
        return e.StatementSigned()

    def _card_signing(self, visit: Visit) -> CardSigning:
        if visit.method in {Method.PIN, Method.PHONE}:
            return CardSigning.PIN
        if self._settings.card.terminal_authority is not None:
            return CardSigning.TERMINAL_AUTHORITY
        return CardSigning.NONE

    # --- the end
    async def release_card(self) -> e.Event | None:
        """Powers the card off."""
        return card_event(await self._card.ask(card.ReleaseCard()))

    async def forget(self) -> e.Event | None:
        """Drops everything of the person, here and in the workers. → `Forgotten`, always"""
        self._drop()
        forgetting = (self._card.ask(card.ReleaseCard()), self._vision.ask(vision.ForgetFaces()))
        for lost in await asyncio.gather(*forgetting, return_exceptions=True):
            if isinstance(lost, BaseException) and not isinstance(lost, WorkerLost):
                raise lost
        if self._pin_was_typed:
            self._pin_was_typed = False
            await self._card.replace()  # pyscard made copies of the PIN: they end with the process
        try:
            await self._keep_wrong_passcodes()  # those whose time has run out are forgotten as well
            await asyncio.to_thread(self._device.keep_answered)
        except Fault as fault:
            log.warning("%s", fault)  # too many stay remembered, which opens nothing
        self._drop()
        return e.Forgotten()  # a worker that was lost has forgotten everything

    def _drop(self) -> None:
        self._wipe_printed_number()
        self.certificate = self.evidence = None

    def _wipe_printed_number(self) -> None:
        wipe(self._printed_number)
        self._printed_number.clear()  # empty: there is none

    @staticmethod
    def event_of_fault(fault: Fault) -> e.Event:
        """What a broken errand means to the visit."""
        return e.CardFailed(cause_of(fault.code))
