"""What a visit's cause means to the patient and to the staff, and which ways out it leaves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from firmware.words import Cause, CertificateWarning, ClockTrust
from hostdriver.eligibility.answer import Validity
from hostdriver.ways_out import BROKEN, FALLBACKS, PAPERS, RETRY, WITHOUT_CARD, Fallback


@dataclass(frozen=True, slots=True)
class CauseText:
    """One cause: what the patient is told, what the staff do, and ids of `FALLBACKS` in order."""

    patient: str
    staff: str
    ways_out: tuple[str, ...]


VERIFIED = CauseText(
    "受付が終わりました。", "本人確認が済みました。資格の内容を確認してください。", ()
)

CAUSES: dict[Cause, CauseText] = {
    # --- device
    Cause.READER_UNAVAILABLE: CauseText(
        "機器が使えません。受付の職員にお声がけください。",
        "カードリーダーと通信できません。電源と接続を確認し、復旧まで他の方法で確認してください。",
        BROKEN,
    ),
    Cause.CARD_SERVICE_UNAVAILABLE: CauseText(
        "機器が使えません。受付の職員にお声がけください。",
        "カードを読むサービスが動いていません。機器を再起動してください。",
        BROKEN,
    ),
    Cause.CAMERA_UNAVAILABLE: CauseText(
        "カメラが使えません。暗証番号で受付できます。",
        "カメラの映像がありません。暗証番号か目視確認で受付できます。",
        ("use_pin", "staff_visual_check", *BROKEN),
    ),
    Cause.DEVICE_FAULT: CauseText(
        "機器の不具合で受付が止まりました。受付の職員にお声がけください。",
        "機器の不具合です。もう一度試し、続くときは再起動してください。",
        ("start_again", *BROKEN),
    ),
    Cause.HOST_LOST: CauseText(
        "受付との通信が切れました。受付の職員にお声がけください。",
        "機器と受付の通信が切れました。接続を確認してやり直してください。",
        ("start_again", *BROKEN),
    ),
    Cause.CLOCK_UNTRUSTED: CauseText(
        "機器の準備ができていません。受付の職員にお声がけください。",
        "機器の時計が合っていないため同意を記録できません。時刻の設定を確認してください。",
        BROKEN,
    ),
    Cause.TAMPERED: CauseText(
        "機器の点検が必要です。受付の職員にお声がけください。",
        "機器の箱が開いています。閉じるまで受付できません。手を加えられていないか確認してください。",
        BROKEN,
    ),
    Cause.LEDGER_UNAVAILABLE: CauseText(
        "受付を記録できませんでした。受付の職員にお声がけください。",
        "受付の記録を書き込めません。ホストドライバのディスクの空きを確認し、空けてからやり直してください。",
        ("start_again", *BROKEN),
    ),
    Cause.STORAGE_UNAVAILABLE: CauseText(
        "機器が使えません。受付の職員にお声がけください。",
        "機器の記憶領域に空きがないか、書き込めません。機器のディスクを空けてください。",
        BROKEN,
    ),
    # --- card
    Cause.CARD_NOT_PRESENTED: CauseText(
        "カードが置かれませんでした。もう一度お試しください。",
        "時間内にカードが置かれませんでした。",
        ("start_again", *WITHOUT_CARD),
    ),
    Cause.CARD_REMOVED: CauseText(
        "途中でカードが離れました。もう一度カードを置いてください。",
        "手続きの途中でカードが離れました。終わりの案内まで置いておくよう伝えてください。",
        RETRY,
    ),
    Cause.CARD_RESET: CauseText(
        "カードとの通信が途切れました。もう一度カードを置いてください。",
        "カードとの通信がリセットされました。他のソフトがカードを使っていないか確認してください。",
        ("start_again", *BROKEN),
    ),
    Cause.CARD_CHANGED: CauseText(
        "途中でカードが替わりました。最初からお試しください。",
        "手続きの途中で別のカードに替わりました。最初からやり直してください。",
        RETRY,
    ),
    Cause.CARD_UNKNOWN: CauseText(
        "このカードは使えません。マイナンバーカードを置いてください。",
        "マイナンバーカードではありません。運転免許証などが置かれていないか確認してください。",
        ("start_again", *WITHOUT_CARD),
    ),
    Cause.CARD_NOT_SUPPORTED: CauseText(
        "このカードや端末には対応していません。受付の職員にお声がけください。",
        "住民基本台帳カード、次期のマイナンバーカード、または未対応のスマートフォンです。",
        ("use_card", *WITHOUT_CARD),
    ),
    Cause.CARD_UNREADABLE: CauseText(
        "カードを読み取れませんでした。もう一度カードを置いてください。",
        "カードを読み取れません。ケースから出して置き直し、続くときはICの破損を疑ってください。",
        ("start_again", *BROKEN),
    ),
    Cause.CARD_SILENT: CauseText(
        "カードを読み取れませんでした。カードを1枚だけ置いてください。",
        "置かれたものが応答しません。カードが2枚重なっていないか、金属のケースに入っていないか"
        "確認してください。続くときはICの破損を疑ってください。",
        ("one_card_alone", *BROKEN),
    ),
    Cause.CERTIFICATE_MISSING: CauseText(
        "このカードでは受付ができません。受付の職員にお声がけください。",
        "利用者証明用電子証明書がカードにありません。",
        ("renew_certificate", *PAPERS, "query_by_insured_card_data", "declaration"),
    ),
    Cause.MASKED_TRACE: CauseText(
        "受付ができませんでした。受付の職員にお声がけください。",
        "記録を再生している機器です。診療には使えません。",
        BROKEN,
    ),
    # --- identity
    Cause.PHOTO_NOT_AUTHENTIC: CauseText(
        "このカードでは受付ができません。受付の職員にお声がけください。",
        "カードの写真が発行者のものと確認できません。顔認証と目視確認を行わず、本人確認を別に行ってください。",
        WITHOUT_CARD,
    ),
    Cause.PIN_BLOCKED: CauseText(
        "暗証番号がロックされています。顔認証か、受付の職員にお声がけください。",
        "暗証番号がロックされています。顔認証か目視確認で受付できます。再設定は市区町村の窓口です。",
        ("staff_visual_check", "reset_pin", *PAPERS),
    ),
    Cause.PHONE_PIN_BLOCKED: CauseText(
        "スマートフォンの暗証番号がロックされています。マイナンバーカードをお試しください。",
        "スマートフォンの暗証番号がロックされています。マイナンバーカードそのものなら受付できます。",
        ("use_card", *WITHOUT_CARD),
    ),
    Cause.NOT_THE_HOLDER: CauseText(
        "ご本人の確認ができませんでした。受付の職員にお声がけください。",
        "顔がカードの写真と一致しませんでした。暗証番号か目視確認をお試しください。",
        RETRY,
    ),
    Cause.STAFF_PASSCODE_WRONG: CauseText(
        "確認ができませんでした。受付の職員にお声がけください。",
        "職員のパスコードが違います。管理者に確認してください。",
        ("start_again", "use_pin", *PAPERS),
    ),
    Cause.STAFF_LOOK_CLOSED: CauseText(
        "職員による確認は、しばらく使えません。受付の職員にお声がけください。",
        "職員のパスコードが続けて違ったため、目視確認を5分ほど止めています。顔認証と暗証番号は使えます。",
        ("use_pin", *PAPERS),
    ),
    Cause.NO_METHOD_LEFT: CauseText(
        "ご本人の確認ができませんでした。受付の職員にお声がけください。",
        "使える本人確認の方法が残っていません。",
        ("staff_visual_check", *PAPERS, "query_by_insured_card_data", "declaration"),
    ),
    # --- consent
    Cause.CANCELLED_BY_PATIENT: CauseText(
        "受付を取りやめました。",
        "患者が受付を取りやめました。",
        ("start_again", *PAPERS),
    ),
    Cause.CANCELLED_BY_RECEPTION: CauseText(
        "受付が取り消されました。受付の職員にお声がけください。",
        "受付側で取り消したか、受付ソフトの接続が切れました。",
        ("start_again", *PAPERS),
    ),
    Cause.TIMED_OUT: CauseText(
        "時間が過ぎたため受付を終わりました。もう一度お試しください。",
        "操作がないまま時間が過ぎました。お手伝いが必要か確認してください。",
        (*RETRY, *PAPERS),
    ),
    # --- eligibility
    Cause.REGISTRATION_DECLINED: CauseText(
        "健康保険証としての利用登録をしませんでした。受付の職員にお声がけください。",
        "利用登録がされていません。登録は任意です。他の方法で資格を確認してください。",
        ("register_later", *WITHOUT_CARD),
    ),
    Cause.REGISTRATION_NOT_EFFECTIVE: CauseText(
        "利用登録はまだ反映されていません。受付の職員にお声がけください。",
        "利用登録は済んでいますが、反映まで1週間ほどかかることがあります。",
        (*PAPERS, "query_by_insured_card_data"),
    ),
    Cause.CERTIFICATE_EXPIRED: CauseText(
        "カードの電子証明書の期限が切れています。受付の職員にお声がけください。",
        "電子証明書が期限切れ(3か月超)です。資格情報を取得できません。",
        ("renew_certificate", *PAPERS, "query_by_insured_card_data"),
    ),
    Cause.PHONE_CERTIFICATE_EXPIRED: CauseText(
        "スマートフォンの電子証明書の期限が切れています。マイナンバーカードをお試しください。",
        "スマートフォンの電子証明書が期限切れです(期限後3か月の扱いはありません)。"
        "マイナンバーカードそのものなら、期限後3か月までは資格だけを確認できます。",
        ("use_card", "renew_certificate", *WITHOUT_CARD),
    ),
    Cause.CERTIFICATE_SUSPENDED: CauseText(
        "このカードは一時停止されています。受付の職員にお声がけください。",
        "カードが一時利用停止中です。紛失したカードでないか、本人に確認してください。",
        ("lift_suspension", *WITHOUT_CARD),
    ),
    Cause.CERTIFICATE_REVOKED: CauseText(
        "カードの電子証明書が失効しています。受付の職員にお声がけください。",
        "電子証明書が失効しています(住所・氏名の変更、再発行など)。",
        ("renew_certificate", *WITHOUT_CARD),
    ),
    Cause.CERTIFICATE_UNTRUSTED: CauseText(
        "このカードでは受付ができません。受付の職員にお声がけください。",
        "電子証明書の発行者を確認できません。設定と証明書を確認してください。",
        WITHOUT_CARD,
    ),
    # Neutral on purpose: neither text may tell a companion why.
    Cause.USE_RESTRICTED: CauseText(
        "このカードでは受付ができません。受付の職員にお声がけください。",
        "このカードでは確認できません。住所などを声に出さず、別の書類で確認してください。",
        WITHOUT_CARD,
    ),
    Cause.EVIDENCE_REJECTED: CauseText(
        "確認ができませんでした。受付の職員にお声がけください。",
        "機器の署名した記録が受け入れられませんでした。この結果を使わず、管理者に連絡してください。",
        BROKEN,
    ),
    # --- upstream
    Cause.UPSTREAM_UNAVAILABLE: CauseText(
        "ただいま資格の確認ができません。受付の職員にお声がけください。",
        "資格確認の接続先が応答しません。他の方法で資格を確認してください。",
        BROKEN,
    ),
    Cause.UPSTREAM_CANNOT_CONFIRM_CARD: CauseText(
        "この機器だけでは資格の確認ができません。受付の職員にお声がけください。",
        "設定された接続先はカードによる受付を確認できません。資格確認端末で照会してください。",
        ("query_by_insured_card_data", *PAPERS),
    ),
}


CERTIFICATE_NOTES: dict[CertificateWarning, str] = {
    CertificateWarning.EXPIRES_SOON: (
        "電子証明書が3か月以内に期限を迎えます。更新を案内してください。"
    ),
    CertificateWarning.IN_GRACE: (
        "電子証明書の有効期限が過ぎています(3か月以内)。資格確認だけができ、"
        "診療情報などの同意は確認していません。更新を案内してください。"
    ),
}
VALIDITY_NOTES: dict[Validity, str] = {
    Validity.INVALID: "資格は失われています。現在の資格を患者に確認してください。",
    Validity.INVALID_NEWER_EXISTS: (
        "この資格は失われ、新しい資格があります。新しい保険者の資格を確認してください。"
    ),
    Validity.NONE: "該当する資格がありません。加入している保険を患者に確認してください。",
    Validity.SEVERAL: "該当する資格が複数あります。どの資格で受診するか患者に確認してください。",
}
"""Who the person is has been proven; what else has to be found out about the insurance."""
CLOCK_NOTE = (
    "機器の時計が信頼できないため、診療情報などの同意は確認していません。管理者に連絡してください。"
)


def notes_for(
    certificate: CertificateWarning | None,
    clock_trust: ClockTrust | None,
    validity: Validity | None,
) -> Iterator[str]:
    """What the staff should know besides the cause."""
    if validity in VALIDITY_NOTES:
        yield VALIDITY_NOTES[validity]
    if certificate is not None:
        yield CERTIFICATE_NOTES[certificate]
    if clock_trust is ClockTrust.NONE:
        yield CLOCK_NOTE


def text_of(cause: Cause | None) -> CauseText:
    """The texts of a cause; None is a verified visit."""
    return VERIFIED if cause is None else CAUSES[cause]


def fallback_for(
    cause: Cause | None, day: date, validity: Validity | None = None
) -> tuple[Fallback, ...]:
    """The ways out that are in force on `day`, the nearest first: of a cause, or of a verified
    visit whose person is not simply insured."""
    ways_out = WITHOUT_CARD if validity in VALIDITY_NOTES else text_of(cause).ways_out
    rows = (FALLBACKS[way] for way in ways_out)
    return tuple(row for row in rows if row.holds_on(day))
