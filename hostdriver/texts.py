"""What a visit's cause means to the patient and to the staff, and the ways out that remain.

The ways out and their dates are public rules: the national leaflet of April 2025 and the notices
on 資格確認書, 資格情報のお知らせ and 資格申立書. They are rows, so that one with an end date ends
by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import msgspec

from firmware.words import Cause, CertificateWarning, ClockTrust
from hostdriver.eligibility.answer import Validity


class Fallback(msgspec.Struct, frozen=True):
    """One way out. `valid_from`, `valid_until`: first and last day, None where it is open."""

    id: str
    text: str
    valid_from: date | None = None
    valid_until: date | None = None

    def holds_on(self, day: date) -> bool:
        """Whether the rule behind it is in force on that day."""
        begun = self.valid_from is None or self.valid_from <= day
        return begun and (self.valid_until is None or day <= self.valid_until)


@dataclass(frozen=True, slots=True)
class CauseText:
    """One cause: what the patient is told, what the staff do, and ids of `FALLBACKS` in order."""

    patient: str
    staff: str
    ways_out: tuple[str, ...]


FALLBACKS: dict[str, Fallback] = {
    row.id: row
    for row in (
        # --- at the reader
        Fallback("start_again", "カードを置き直して、もう一度受付する。"),
        Fallback("one_card_alone", "マイナンバーカードを1枚だけ、ケースから出して置き直す。"),
        Fallback("use_pin", "顔認証の代わりに、患者本人が4桁の暗証番号を機器に入力する。"),
        Fallback("staff_visual_check", "職員が患者の顔とカードの写真を見比べる(目視確認)。"),
        Fallback("use_card", "スマートフォンではなく、マイナンバーカードそのもので受付する。"),
        # --- without the reader
        Fallback(
            "home_consent_app",
            "居宅同意取得型の端末で受付する(機器の故障時や機器を使えない方は窓口でも可)。",
            valid_from=date(2025, 4, 1),
        ),
        Fallback(
            "card_and_notice",
            "マイナンバーカードと「資格情報のお知らせ」を一緒に提示してもらう。",
            valid_from=date(2024, 12, 2),
        ),
        Fallback(
            "card_and_portal_screen",
            "マイナンバーカードと、マイナポータルの資格情報画面(PDFも可)を一緒に提示してもらう。",
        ),
        Fallback(
            "eligibility_certificate",
            "資格確認書を提示してもらう。",
            valid_from=date(2024, 12, 2),
        ),
        Fallback(
            "eligibility_certificate_75_plus",
            "75歳以上の方には資格確認書が申請なしで届いている。提示してもらう。",
            valid_from=date(2025, 8, 1),
            valid_until=date(2026, 7, 31),
        ),
        Fallback(
            "old_insurance_card",
            "有効期限内の従来の健康保険証を提示してもらう。",
            valid_until=date(2025, 12, 1),
        ),
        Fallback(
            "other_certificates",
            "高齢受給者証・限度額適用認定証・特定疾病療養受療証は、資格確認書などでは代えられない。"
            "お持ちの方には一緒に提示してもらう。",
        ),
        Fallback(
            "query_by_insured_card_data",
            "保険者番号・記号・番号・生年月日を聞き、資格確認端末で照会する。",
        ),
        Fallback(
            "query_through_call_centre",
            "氏名・生年月日・性別・住所を控え、コールセンターに電話して緊急時医療情報・資格確認機能で照会する。",
        ),
        Fallback("declaration", "患者に資格申立書を書いてもらう。"),
        Fallback(
            "no_full_charge",
            "機器や通信の不具合だけを理由に、患者に10割の負担を求めない。",
        ),
        # --- elsewhere
        Fallback("renew_certificate", "市区町村の窓口で電子証明書を更新してもらうよう案内する。"),
        Fallback("reset_pin", "市区町村の窓口で暗証番号を再設定してもらうよう案内する。"),
        Fallback(
            "lift_suspension",
            "一時利用停止の解除は市区町村の窓口。紛失・停止の電話窓口は24時間365日つながる。",
        ),
        Fallback("register_later", "利用登録はマイナポータルやATMでもできると案内する。"),
    )
}

_RETRY = ("start_again", "use_pin", "staff_visual_check")
_PAPERS = (
    "card_and_notice",
    "card_and_portal_screen",
    "eligibility_certificate",
    "eligibility_certificate_75_plus",
    "old_insurance_card",
    "other_certificates",
)
_BROKEN = (
    "home_consent_app",
    *_PAPERS,
    "query_by_insured_card_data",
    "query_through_call_centre",
    "declaration",
    "no_full_charge",
)
_WITHOUT_CARD = (
    "eligibility_certificate",
    "eligibility_certificate_75_plus",
    "old_insurance_card",
    "other_certificates",
    "query_by_insured_card_data",
    "declaration",
)

VERIFIED = CauseText(
    "受付が終わりました。", "本人確認が済みました。資格の内容を確認してください。", ()
)

CAUSES: dict[Cause, CauseText] = {
    # --- device
    Cause.READER_UNAVAILABLE: CauseText(
        "機器が使えません。受付の職員にお声がけください。",
        "カードリーダーと通信できません。電源と接続を確認し、復旧まで他の方法で確認してください。",
        _BROKEN,
    ),
    Cause.CARD_SERVICE_UNAVAILABLE: CauseText(
        "機器が使えません。受付の職員にお声がけください。",
        "カードを読むサービスが動いていません。機器を再起動してください。",
        _BROKEN,
    ),
    Cause.CAMERA_UNAVAILABLE: CauseText(
        "カメラが使えません。暗証番号で受付できます。",
        "カメラの映像がありません。暗証番号か目視確認で受付できます。",
        ("use_pin", "staff_visual_check", *_BROKEN),
    ),
    Cause.DEVICE_FAULT: CauseText(
        "機器の不具合で受付が止まりました。受付の職員にお声がけください。",
        "機器の不具合です。もう一度試し、続くときは再起動してください。",
        ("start_again", *_BROKEN),
    ),
    Cause.HOST_LOST: CauseText(
        "受付との通信が切れました。受付の職員にお声がけください。",
        "機器と受付の通信が切れました。接続を確認してやり直してください。",
        ("start_again", *_BROKEN),
    ),
    Cause.CLOCK_UNTRUSTED: CauseText(
        "機器の準備ができていません。受付の職員にお声がけください。",
        "機器の時計が合っていないため同意を記録できません。時刻の設定を確認してください。",
        _BROKEN,
    ),
    Cause.TAMPERED: CauseText(
        "機器の点検が必要です。受付の職員にお声がけください。",
        "機器の箱が開いています。閉じるまで受付できません。手を加えられていないか確認してください。",
        _BROKEN,
    ),
    Cause.LEDGER_UNAVAILABLE: CauseText(
        "受付を記録できませんでした。受付の職員にお声がけください。",
        "受付の記録を書き込めません。ホストドライバのディスクの空きを確認し、空けてからやり直してください。",
        ("start_again", *_BROKEN),
    ),
    # --- card
    Cause.CARD_NOT_PRESENTED: CauseText(
        "カードが置かれませんでした。もう一度お試しください。",
        "時間内にカードが置かれませんでした。",
        ("start_again", *_WITHOUT_CARD),
    ),
    Cause.CARD_REMOVED: CauseText(
        "途中でカードが離れました。もう一度カードを置いてください。",
        "手続きの途中でカードが離れました。終わりの案内まで置いておくよう伝えてください。",
        _RETRY,
    ),
    Cause.CARD_RESET: CauseText(
        "カードとの通信が途切れました。もう一度カードを置いてください。",
        "カードとの通信がリセットされました。他のソフトがカードを使っていないか確認してください。",
        ("start_again", *_BROKEN),
    ),
    Cause.CARD_CHANGED: CauseText(
        "途中でカードが替わりました。最初からお試しください。",
        "手続きの途中で別のカードに替わりました。最初からやり直してください。",
        _RETRY,
    ),
    Cause.CARD_UNKNOWN: CauseText(
        "このカードは使えません。マイナンバーカードを置いてください。",
        "マイナンバーカードではありません。運転免許証などが置かれていないか確認してください。",
        ("start_again", *_WITHOUT_CARD),
    ),
    Cause.CARD_NOT_SUPPORTED: CauseText(
        "このカードや端末には対応していません。受付の職員にお声がけください。",
        "住民基本台帳カード、次期のマイナンバーカード、または未対応のスマートフォンです。",
        ("use_card", *_WITHOUT_CARD),
    ),
    Cause.CARD_UNREADABLE: CauseText(
        "カードを読み取れませんでした。もう一度カードを置いてください。",
        "カードを読み取れません。ケースから出して置き直し、続くときはICの破損を疑ってください。",
        ("start_again", *_BROKEN),
    ),
    Cause.CARD_SILENT: CauseText(
        "カードを読み取れませんでした。カードを1枚だけ置いてください。",
        "置かれたものが応答しません。カードが2枚重なっていないか、金属のケースに入っていないか"
        "確認してください。続くときはICの破損を疑ってください。",
        ("one_card_alone", *_BROKEN),
    ),
    Cause.CERTIFICATE_MISSING: CauseText(
        "このカードでは受付ができません。受付の職員にお声がけください。",
        "利用者証明用電子証明書がカードにありません。",
        ("renew_certificate", *_PAPERS, "query_by_insured_card_data", "declaration"),
    ),
    Cause.MASKED_TRACE: CauseText(
        "受付ができませんでした。受付の職員にお声がけください。",
        "記録を再生している機器です。診療には使えません。",
        _BROKEN,
    ),
    # --- identity
    Cause.PHOTO_NOT_AUTHENTIC: CauseText(
        "このカードでは受付ができません。受付の職員にお声がけください。",
        "カードの写真が発行者のものと確認できません。顔認証と目視確認を行わず、本人確認を別に行ってください。",
        _WITHOUT_CARD,
    ),
    Cause.PIN_BLOCKED: CauseText(
        "暗証番号がロックされています。顔認証か、受付の職員にお声がけください。",
        "暗証番号がロックされています。顔認証か目視確認で受付できます。再設定は市区町村の窓口です。",
        ("staff_visual_check", "reset_pin", *_PAPERS),
    ),
    Cause.PHONE_PIN_BLOCKED: CauseText(
        "スマートフォンの暗証番号がロックされています。マイナンバーカードをお試しください。",
        "スマートフォンの暗証番号がロックされています。マイナンバーカードそのものなら受付できます。",
        ("use_card", *_WITHOUT_CARD),
    ),
    Cause.NOT_THE_HOLDER: CauseText(
        "ご本人の確認ができませんでした。受付の職員にお声がけください。",
        "顔がカードの写真と一致しませんでした。暗証番号か目視確認をお試しください。",
        _RETRY,
    ),
    Cause.STAFF_PASSCODE_WRONG: CauseText(
        "確認ができませんでした。受付の職員にお声がけください。",
        "職員のパスコードが違います。管理者に確認してください。",
        ("start_again", "use_pin", *_PAPERS),
    ),
    Cause.STAFF_LOOK_CLOSED: CauseText(
        "職員による確認は、しばらく使えません。受付の職員にお声がけください。",
        "職員のパスコードが続けて違ったため、目視確認を5分ほど止めています。顔認証と暗証番号は使えます。",
        ("use_pin", *_PAPERS),
    ),
    Cause.NO_METHOD_LEFT: CauseText(
        "ご本人の確認ができませんでした。受付の職員にお声がけください。",
        "使える本人確認の方法が残っていません。",
        ("staff_visual_check", *_PAPERS, "query_by_insured_card_data", "declaration"),
    ),
    # --- consent
    Cause.CANCELLED_BY_PATIENT: CauseText(
        "受付を取りやめました。",
        "患者が受付を取りやめました。",
        ("start_again", *_PAPERS),
    ),
    Cause.CANCELLED_BY_RECEPTION: CauseText(
        "受付が取り消されました。受付の職員にお声がけください。",
        "受付側で取り消したか、受付ソフトの接続が切れました。",
        ("start_again", *_PAPERS),
    ),
    Cause.TIMED_OUT: CauseText(
        "時間が過ぎたため受付を終わりました。もう一度お試しください。",
        "操作がないまま時間が過ぎました。お手伝いが必要か確認してください。",
        (*_RETRY, *_PAPERS),
    ),
    # --- eligibility
    Cause.REGISTRATION_DECLINED: CauseText(
        "健康保険証としての利用登録をしませんでした。受付の職員にお声がけください。",
        "利用登録がされていません。登録は任意です。他の方法で資格を確認してください。",
        ("register_later", *_WITHOUT_CARD),
    ),
    Cause.REGISTRATION_NOT_EFFECTIVE: CauseText(
        "利用登録はまだ反映されていません。受付の職員にお声がけください。",
        "利用登録は済んでいますが、反映まで1週間ほどかかることがあります。",
        (*_PAPERS, "query_by_insured_card_data"),
    ),
    Cause.CERTIFICATE_EXPIRED: CauseText(
        "カードの電子証明書の期限が切れています。受付の職員にお声がけください。",
        "電子証明書が期限切れ(3か月超)です。資格情報を取得できません。",
        ("renew_certificate", *_PAPERS, "query_by_insured_card_data"),
    ),
    Cause.PHONE_CERTIFICATE_EXPIRED: CauseText(
        "スマートフォンの電子証明書の期限が切れています。マイナンバーカードをお試しください。",
        "スマートフォンの電子証明書が期限切れです(期限後3か月の扱いはありません)。"
        "マイナンバーカードそのものなら、期限後3か月までは資格だけを確認できます。",
        ("use_card", "renew_certificate", *_WITHOUT_CARD),
    ),
    Cause.CERTIFICATE_SUSPENDED: CauseText(
        "このカードは一時停止されています。受付の職員にお声がけください。",
        "カードが一時利用停止中です。紛失したカードでないか、本人に確認してください。",
        ("lift_suspension", *_WITHOUT_CARD),
    ),
    Cause.CERTIFICATE_REVOKED: CauseText(
        "カードの電子証明書が失効しています。受付の職員にお声がけください。",
        "電子証明書が失効しています(住所・氏名の変更、再発行など)。",
        ("renew_certificate", *_WITHOUT_CARD),
    ),
    Cause.CERTIFICATE_UNTRUSTED: CauseText(
        "このカードでは受付ができません。受付の職員にお声がけください。",
        "電子証明書の発行者を確認できません。設定と証明書を確認してください。",
        _WITHOUT_CARD,
    ),
    # Neutral on purpose: neither text may tell a companion why.
    Cause.USE_RESTRICTED: CauseText(
        "このカードでは受付ができません。受付の職員にお声がけください。",
        "このカードでは確認できません。住所などを声に出さず、別の書類で確認してください。",
        _WITHOUT_CARD,
    ),
    Cause.EVIDENCE_REJECTED: CauseText(
        "確認ができませんでした。受付の職員にお声がけください。",
        "機器の署名した記録が受け入れられませんでした。この結果を使わず、管理者に連絡してください。",
        _BROKEN,
    ),
    # --- upstream
    Cause.UPSTREAM_UNAVAILABLE: CauseText(
        "ただいま資格の確認ができません。受付の職員にお声がけください。",
        "資格確認の接続先が応答しません。他の方法で資格を確認してください。",
        _BROKEN,
    ),
    Cause.UPSTREAM_CANNOT_CONFIRM_CARD: CauseText(
        "この機器だけでは資格の確認ができません。受付の職員にお声がけください。",
        "設定された接続先はカードによる受付を確認できません。資格確認端末で照会してください。",
        ("query_by_insured_card_data", *_PAPERS),
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
    ways_out = _WITHOUT_CARD if validity in VALIDITY_NOTES else text_of(cause).ways_out
    rows = (FALLBACKS[way] for way in ways_out)
    return tuple(row for row in rows if row.holds_on(day))
