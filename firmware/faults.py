"""Every exception that we raise, each with its wire code. Ordinary life (a wrong PIN, another face)
is a value, never a fault."""

from __future__ import annotations

from typing import ClassVar


class Fault(Exception):
    """Something broke. `code` is the symbol on the wire; the message is for people who repair."""

    code: ClassVar[str] = "device_fault"


# --- card
class CardFault(Fault):
    """The card or the way to it."""

    code = "card_unreadable"


class MalformedResponse(CardFault):
    """The card answered with something that is no response, or no such file."""


class MalformedCommand(CardFault):
    """A command that cannot be: our own fault, or a stranger's bytes shown to the virtual card."""

    code = "malformed_command"


class MalformedCredential(CardFault):
    """Digits that are no PIN or no collation number, or that have been wiped. Nothing was sent."""

    code = "malformed_credential"


class CertificateMissing(CardFault):
    """The card holds no user authentication certificate."""

    code = "certificate_missing"


class UnexpectedStatus(CardFault):
    """A status word that this step does not allow."""

    def __init__(self, status_word: int, doing: str) -> None:
        super().__init__(f"the card answered {status_word:04X} to {doing}")
        self.status_word = status_word


class RetryCounterLow(CardFault):
    """The gate of VERIFY: too few tries are left to spend one unasked."""

    code = "retry_counter_low"

    def __init__(self, key: str, tries_left: int | None) -> None:
        left = "an unknown number of" if tries_left is None else str(tries_left)
        super().__init__(f"{key}: {left} tries left")
        self.tries_left = tries_left


class VerifyRefused(CardFault):
    """The card refused a PIN or a collation number; `tries_left` is 0 when it is blocked."""

    code = "verify_refused"

    def __init__(self, key: str, tries_left: int) -> None:
        super().__init__(f"{key} refused, {tries_left} tries left")
        self.tries_left = tries_left


class CollationNumberSpent(CardFault):
    """照合番号B was presented in this visit: a second try needs the card to be put down anew."""

    code = "collation_number_spent"


class CardRemoved(CardFault):
    """The card left the reader."""

    code = "card_removed"


class CardSilent(CardFault):
    """Something lies on the reader and does not answer to power."""

    code = "card_silent"


class CardReset(CardFault):
    """Another program reset the card: its security state is gone."""

    code = "card_reset"


class CardChanged(CardFault):
    """Another card than the one the visit began with."""

    code = "card_changed"


class SignatureWrong(CardFault):
    """The card's signature does not verify with the card's certificate."""


class ReaderUnavailable(CardFault):
    """No reader of that name, or it was unplugged."""

    code = "reader_unavailable"


class ReaderHeld(ReaderUnavailable):
    """Another program has the reader for itself alone."""


class ExtendedLengthRefused(CardFault):
    """The reader does not pass a command with extended lengths; a short one may go through."""


class CardServiceUnavailable(CardFault):
    """pcscd does not run, or will not speak to this user."""

    code = "card_service_unavailable"


class CardServiceRefused(CardServiceUnavailable):
    """pcscd runs, and will not speak to this user."""


class TerminalAuthorityRefused(CardFault):
    """The card did not accept the terminal's certificate or its proof of possession."""


# --- match
class MatchFault(Fault):
    """Pixels, models and cameras."""


class MalformedPhoto(MatchFault):
    """The photo on the chip is not a picture that we are willing to decode."""

    code = "photo_unreadable"


class ModelRejected(MatchFault):
    """A model file is missing, or is not the one its card names."""

    code = "model_rejected"


class ModelsNotSigned(ModelRejected):
    """The models' folder is not the one that was signed when the package was built."""

    code = "models_not_signed"


class EvaluationRefused(MatchFault):
    """Nothing can be measured on what was given: no folder, nobody in it, no picture."""

    code = "evaluation_refused"


class MalformedPairs(EvaluationRefused):
    """A file of pairs or groups with a line that says nothing; the message names the line."""

    code = "malformed_pairs"


class PlotsMissing(MatchFault):
    """The library that draws curves is not installed; the message says the way out."""

    code = "plots_missing"


class CameraUnavailable(MatchFault):
    """No camera, or no frames from it."""

    code = "camera_unavailable"


class CameraFrozen(CameraUnavailable):
    """The same picture again and again."""

    code = "camera_frozen"


class CameraBlack(CameraUnavailable):
    """Pictures without any light."""

    code = "camera_black"


# --- worker, settings
class WorkerLost(Fault):
    """A worker process missed its deadline or ended; a new one has been started."""

    code = "worker_lost"


class BadSettings(Fault):
    """A settings file that cannot be used; the message names the key."""

    code = "bad_settings"


class SettingsRejected(BadSettings):
    """Everything that is wrong with a settings file, each with file and line; a line for each."""

    def __init__(self, complaints: tuple[str, ...]) -> None:
        super().__init__("\n".join(complaints))
        self.complaints = complaints


class ControlUnavailable(Fault):
    """No running firmware answers at its control socket, or not to this user."""

    code = "control_unavailable"


class ControlSilent(Fault):
    """The running firmware took a request at its control socket, and does not answer."""

    code = "control_silent"


class StorageUnavailable(Fault):
    """What the device must not forget cannot be put on its disk."""

    code = "storage_unavailable"


class PanelUnavailable(Fault):
    """The panel's port is taken, or its address could not be written."""

    code = "panel_unavailable"


class SpeechUnavailable(Fault):
    """The voice's program is missing or refuses, or its sounds could not be written."""

    code = "speech_unavailable"


# --- what leaves, and the way there
class MalformedStatement(Fault):
    """Bytes that are no statement, or are not signed as they must be."""

    code = "evidence_rejected"


class MalformedMessage(Fault):
    """Bytes on the link that are no message of its schema."""

    code = "malformed_message"


class MalformedFrame(Fault):
    """Bytes on the line that are no frame."""

    code = "malformed_frame"


class LinkLost(Fault):
    """The other side of the link is gone."""

    code = "link_lost"


class PeerNotTrusted(LinkLost):
    """The other end of the line is not the one that was paired, or its words were bent."""

    code = "peer_not_trusted"


class NotPaired(PeerNotTrusted):
    """Nobody was paired over this line yet."""

    code = "not_paired"


class PairingRefused(Fault):
    """Wrong digits, no pairing under way at the other end, or somebody in between."""

    code = "pairing_refused"


# --- eligibility
class UpstreamUnavailable(Fault):
    """The eligibility service cannot be asked now."""

    code = "upstream_unavailable"


# --- testbench
class MalformedTrace(Fault):
    """A trace file that cannot be read; the message names file and line."""

    code = "malformed_trace"


class NewerTrace(MalformedTrace):
    """A trace that a later version of the test bench wrote."""

    code = "newer_trace"


class MalformedLog(Fault):
    """A log in which there is no dialogue with a card; the message names file and line."""

    code = "malformed_log"


class HolderNotSynthetic(Fault):
    """Nothing proves that a card is nobody's, so that its data must be masked."""

    code = "holder_not_synthetic"


class ProgramFailed(Fault):
    """The program whose dialogue was to be recorded did not run, or not to a good end."""

    code = "program_failed"


class TraceMismatch(Fault):
    """A replay was asked something that its trace does not hold."""

    code = "trace_mismatch"


# --- simulator
class SimulationFault(Fault):
    """The simulated world; none of these can happen on an appliance."""

    code = "simulation_fault"


class SimulationNotPrepared(SimulationFault):
    """A file of the simulated world is missing or unfit; the message says what to run."""

    code = "simulation_not_prepared"


class UnknownPatient(SimulationFault):
    """No virtual patient of that id, or one without what was asked for."""

    code = "unknown_patient"


class CardServiceNotStarted(SimulationFault):
    """The private PC/SC daemon did not come up, or is gone."""

    code = "card_service_not_started"


class ControlRefused(SimulationFault):
    """The virtual card's control socket refused a request, and said why."""

    code = "control_refused"


class BenchRefused(SimulationFault):
    """The bench was told something that is no command, or that cannot be done now."""

    code = "bench_refused"
