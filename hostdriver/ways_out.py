"""The ways out that remain when a visit does not verify: rules, each with the days it is in force.

They and their dates are public: the national leaflet of April 2025 and the notices on 資格確認書,
資格情報のお知らせ and 資格申立書. They are rows, so that one with an end date ends by itself.
"""

from __future__ import annotations

from datetime import date

import msgspec


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

RETRY = ("start_again", "use_pin", "staff_visual_check")
PAPERS = (
    "card_and_notice",
    "card_and_portal_screen",
    "eligibility_certificate",
    "eligibility_certificate_75_plus",
    "old_insurance_card",
    "other_certificates",
)
BROKEN = (
    "home_consent_app",
    *PAPERS,
    "query_by_insured_card_data",
    "query_through_call_centre",
    "declaration",
    "no_full_charge",
)
WITHOUT_CARD = (
    "eligibility_certificate",
    "eligibility_certificate_75_plus",
    "old_insurance_card",
    "other_certificates",
    "query_by_insured_card_data",
    "declaration",
)
