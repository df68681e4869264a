"""Virtual patients of whom the card is special, or what they put down instead of one.

Everybody here is invented. Gallery photo and live picture of a patient are always different
photographs.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

from firmware.simulator.people import Insurance, Patient, Person, Sex, VirtualCardFacts
from firmware.words import CardKind
from hostdriver.eligibility.answer import Validity

TARO = Person(
    name="試験　太郎",
    kana="シケン　タロウ",
    romaji="SHIKEN TARO",
    born=dt.date(1980, 2, 17),
    sex=Sex.MALE,
    address="東京都千代田区架空一丁目２番３号",
)
TAKASAKI = Person(
    # はしご高 and たつさき are variants outside JIS X 0208: a test of fonts and code pages.
    name="髙﨑　花子",
    kana="タカサキ　ハナコ",
    romaji="TAKASAKI HANAKO",
    born=dt.date(1989, 1, 8),  # 平成's first day: the era code begins with 01, not 64
    sex=Sex.FEMALE,
    address="大阪府大阪市北区模擬町４番５号",
)
ISSUED = dt.date(2025, 6, 2)
ISSUED_LONG_AGO = dt.date(2020, 9, 7)  # the fifth birthday after it is past for everybody

BY_CARD: Final = (
    Patient(
        id="valid",
        says="a registered adult with a good card",
        person=TARO,
        live_portrait="person_a_2",
        card=VirtualCardFacts(
            issued_on=ISSUED, security_code="2285", gallery_portrait="person_a_1"
        ),
        insurances=(Insurance("  000001", "0123", "0004321", "00"),),
    ),
    Patient(
        id="pin_blocked",
        says="the PIN is blocked; the face is not",
        person=TAKASAKI,
        live_portrait="person_b_2",
        card=VirtualCardFacts(
            issued_on=ISSUED,
            security_code="0417",
            pin_tries_left=0,
            gallery_portrait="person_b_1",
        ),
        insurances=(Insurance("06139999", "７３１", "0000052", "01"),),
    ),
    Patient(
        id="one_try_left",
        says="one PIN try is left: the last-try warning comes first",
        person=Person(
            name="模擬　一郎",
            kana="モギ　イチロウ",
            romaji="MOGI ICHIRO",
            born=dt.date(1996, 2, 29),
            sex=Sex.MALE,
            address="北海道札幌市中央区見本条６丁目７番",
        ),
        live_portrait="person_a_2",
        card=VirtualCardFacts(
            issued_on=ISSUED,
            security_code="9036",
            pin="0907",
            pin_tries_left=1,
            gallery_portrait="person_a_1",
        ),
        insurances=(Insurance("  013999", "８・９", "15", "02"),),
    ),
    Patient(
        id="no_photo",
        says="an infant's card without a photo: only the PIN is left",
        person=Person(
            name="架空　ひかり",
            kana="カクウ　ヒカリ",
            romaji="KAKU HIKARI",
            born=dt.date(2025, 1, 20),
            sex=Sex.FEMALE,
            address="沖縄県那覇市仮名町１０番",
        ),
        live_portrait="person_d_1",
        card=VirtualCardFacts(issued_on=ISSUED, security_code="7340", pin="2580"),
        insurances=(Insurance("  470001", "0456", "0098765", "03"),),
    ),
    Patient(
        id="certificate_expiring",
        says="the certificates end within three months: the holder is told, and all is asked",
        person=Person(
            name="見本　次郎",
            kana="ミホン　ジロウ",
            romaji="MIHON JIRO",
            born=dt.date(1972, 5, 9),
            sex=Sex.MALE,
            address="宮城県仙台市青葉区例示一丁目１２番１３号",
        ),
        live_portrait="person_a_2",
        card=VirtualCardFacts(
            issued_on=ISSUED_LONG_AGO,
            security_code="3168",
            pin="1357",
            gallery_portrait="person_a_1",
        ),
        insurances=(Insurance("  040001", "0789", "0001203", "00"),),
        certificate_ends_with_month=2,  # in force for 59 days at least
    ),
    Patient(
        id="certificate_in_grace",
        says="the certificates ended within three months: eligibility only, no consent is asked",
        person=Person(
            name="模擬　花",
            kana="モギ　ハナ",
            romaji="MOGI HANA",
            born=dt.date(1985, 10, 21),
            sex=Sex.FEMALE,
            address="広島県広島市中区仮名町１４番１５号",
        ),
        live_portrait="person_b_2",
        card=VirtualCardFacts(
            issued_on=ISSUED_LONG_AGO,
            security_code="6094",
            pin="8642",
            gallery_portrait="person_b_1",
        ),
        insurances=(Insurance("34139999", "００５", "0000880", "00"),),
        certificate_ends_with_month=-1,  # a day to a month ago: grace for 59 days at least
    ),
    Patient(
        id="certificate_expired",
        says="the certificates ended more than three months ago; the card itself is good",
        person=Person(
            name="架空　三郎",
            kana="カクウ　サブロウ",
            romaji="KAKU SABURO",
            born=dt.date(1968, 3, 14),
            sex=Sex.MALE,
            address="石川県金沢市見本町１６番",
        ),
        live_portrait="person_a_2",
        card=VirtualCardFacts(
            issued_on=ISSUED_LONG_AGO,
            security_code="1825",
            gallery_portrait="person_a_1",
        ),
        insurances=(Insurance("  170001", "0333", "0007654", "00"),),
    ),
    Patient(
        id="certificate_missing",
        says="issued without 利用者証明用電子証明書: nothing that could be sent",
        person=Person(
            name="例示　無二",
            kana="レイジ　ムニ",
            romaji="REIJI MUNI",
            born=dt.date(1990, 12, 2),
            sex=Sex.MALE,
            address="埼玉県さいたま市浦和区架空町１７番",
        ),
        live_portrait="person_a_2",
        card=VirtualCardFacts(
            issued_on=ISSUED,
            security_code="3307",
            gallery_portrait="person_a_1",
            user_certificate=False,
        ),
        insurances=(Insurance("  110001", "0110", "0003307", "00"),),
    ),
    Patient(
        id="face_only",
        says="顔認証マイナンバーカード: issued with its PIN locked, so face or staff look",
        person=Person(
            name="見本　トメ",
            kana="ミホン　トメ",
            romaji="MIHON TOME",
            born=dt.date(1941, 6, 24),
            sex=Sex.FEMALE,
            address="長野県長野市例示五丁目１８番",
        ),
        live_portrait="person_b_2",
        card=VirtualCardFacts(
            issued_on=ISSUED,
            security_code="8140",
            pin_tries_left=0,
            gallery_portrait="person_b_1",
        ),
        insurances=(Insurance("39200001", "", "00081400", ""),),  # 75 and older: no symbol
    ),
    Patient(
        id="phone",
        says="an Android phone in the card's place: its certificate wants the phone's PIN first",
        person=Person(
            name="架空　渚",
            kana="カクウ　ナギサ",
            romaji="KAKU NAGISA",
            born=dt.date(1999, 9, 19),
            sex=Sex.FEMALE,
            address="神奈川県横浜市西区見本町１８番１９号",
        ),
        kind=CardKind.PHONE_ANDROID,
        live_portrait="person_b_2",
        card=VirtualCardFacts(issued_on=ISSUED, security_code="1919"),
        insurances=(Insurance("  140001", "0140", "0004418", "00"),),
    ),
    Patient(
        id="phone_expired",
        says="an Android phone whose certificate ended within three months: a card would still do",
        person=Person(
            name="例示　湊",
            kana="レイジ　ミナト",
            romaji="REIJI MINATO",
            born=dt.date(1993, 4, 2),
            sex=Sex.MALE,
            address="兵庫県神戸市中央区架空町２０番",
        ),
        kind=CardKind.PHONE_ANDROID,
        live_portrait="person_a_2",
        card=VirtualCardFacts(issued_on=ISSUED_LONG_AGO, security_code="2020", pin="0258"),
        insurances=(Insurance("  280001", "0280", "0005529", "00"),),
        certificate_ends_with_month=-1,  # as that of the card in grace
    ),
    Patient(
        id="iphone",
        says="an iPhone: its holder is proven on the phone, by a dialogue that is not public",
        person=TARO,
        kind=CardKind.PHONE_IOS,
        live_portrait="person_a_2",
        card=VirtualCardFacts(issued_on=ISSUED, security_code="2285"),
        # The holder is insured as `valid`: the same insurance twice would be two people.
        validity=Validity.NONE,
    ),
    Patient(
        id="resident_card",
        says="a 住基カード, the card before: it carries JPKI under another label",
        person=TAKASAKI,
        kind=CardKind.RESIDENT_CARD,
        live_portrait="person_b_2",
        card=VirtualCardFacts(
            issued_on=ISSUED_LONG_AGO, security_code="0417", user_certificate=False
        ),
    ),
    Patient(
        id="next_generation",
        says="次期個人番号カード as announced: P-384, a number of six digits; not taken yet",
        person=TARO,
        kind=CardKind.NEXT_GENERATION,
        live_portrait="person_a_2",
        card=VirtualCardFacts(
            issued_on=ISSUED,
            security_code="482915",
            gallery_portrait="person_a_1",
            certificate_ends=dt.date(2035, 2, 17),  # ten years, as the card
        ),
        validity=Validity.NONE,  # as `phone`
    ),
    Patient(
        id="drivers_licence",
        says="a driver's licence instead of a My Number Card",
        person=Person(
            name="例示　運転",
            kana="レイジ　ウンテン",
            romaji="REIJI UNTEN",
            born=dt.date(1975, 7, 30),
            sex=Sex.MALE,
            address="愛知県名古屋市中区見本町１１番",
        ),
        kind=CardKind.UNKNOWN,
        live_portrait="person_d_1",
    ),
    Patient(
        id="transit_card",
        says="a transit card: FeliCa, of which the reader makes an answer to reset of its own",
        person=TARO,
        kind=CardKind.UNKNOWN,
        live_portrait="person_a_2",
    ),
    Patient(
        id="blank_card",
        says="a chip that nobody has put anything on",
        person=TAKASAKI,
        kind=CardKind.UNKNOWN,
        live_portrait="person_b_2",
    ),
    Patient(
        id="two_cards",
        says="two cards at once: neither gets through, the reader finds a card without a voice",
        person=TARO,
        kind=CardKind.UNKNOWN,
        live_portrait="person_a_2",
    ),
)
