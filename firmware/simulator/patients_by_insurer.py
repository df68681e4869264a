"""Virtual patients whose card is good, and of whom something is on file that is not for most.

Everybody here is invented, and so are their insurers.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

from firmware.card.collation import Calendar
from firmware.simulator.people import Insurance, Patient, Person, Sex, VirtualCardFacts
from firmware.words import Registration
from hostdriver.eligibility.answer import Validity
from hostdriver.eligibility.insured_person import CertificateStatus

ISSUED: Final = dt.date(2025, 6, 2)
HIS, HERS = "person_a_2", "person_b_2"  # live pictures


def _his(code: str, printed_in: Calendar = Calendar.JAPANESE) -> VirtualCardFacts:
    return VirtualCardFacts(ISSUED, code, gallery_portrait="person_a_1", printed_in=printed_in)


def _hers(code: str, pin: str = "1234") -> VirtualCardFacts:
    return VirtualCardFacts(ISSUED, code, pin, gallery_portrait="person_b_1")


def _man(name: str, kana: str, romaji: str, born: dt.date, address: str) -> Person:
    return Person(name, kana, romaji, born, Sex.MALE, address)


def _woman(name: str, kana: str, romaji: str, born: dt.date, address: str) -> Person:
    return Person(name, kana, romaji, born, Sex.FEMALE, address)


_REGISTRATION: Final = (
    Patient(
        id="unregistered",
        says="the card is not registered for insurance yet; registration is offered",
        person=_woman(
            "見本　さくら",
            "ミホン　サクラ",
            "MIHON SAKURA",
            dt.date(2001, 11, 3),
            "福岡県福岡市博多区例示三丁目８番９号",
        ),
        live_portrait=HERS,
        card=_hers("5512", pin="4321"),
        insurances=(Insurance("01409999", "00210", "0000007", "00"),),
        registration=Registration.NOT_REGISTERED,
    ),
    Patient(
        id="registered_not_effective",
        says="registered a few days ago: it takes up to a week to take effect",
        person=_man(
            "例示　新",
            "レイジ　アラタ",
            "REIJI ARATA",
            dt.date(1999, 4, 1),
            "千葉県千葉市中央区見本台１９番",
        ),
        live_portrait=HIS,
        card=_his("6620"),
        insurances=(Insurance("  120001", "0120", "0006620", "00"),),
        registration=Registration.NOT_EFFECTIVE,
    ),
    Patient(
        id="registration_cancelled",
        says="the registration was cancelled (解除): as if there had been none, offered anew",
        person=_woman(
            "模擬　とも子",
            "モギ　トモコ",
            "MOGI TOMOKO",
            dt.date(1965, 8, 17),
            "静岡県静岡市葵区仮名町２０番",
        ),
        live_portrait=HERS,
        card=_hers("7731"),
        insurances=(Insurance("  220001", "0220", "0007731", "00"),),
        registration=Registration.CANCELLED,
    ),
)
_STOPPED: Final = (
    Patient(
        id="certificate_suspended",
        says="the holder telephoned that the card is lost: 一時利用停止",
        person=_man(
            "架空　忘",
            "カクウ　ボウ",
            "KAKU BO",
            dt.date(1977, 1, 31),
            "岡山県岡山市北区例示２１番",
        ),
        live_portrait=HIS,
        card=_his("8842"),
        insurances=(Insurance("33139999", "033", "0008842", "00"),),
        certificate_status=CertificateStatus.SUSPENDED,
    ),
    Patient(
        id="certificate_revoked",
        says="the certificate is on the list of revoked ones: the card was issued anew",
        person=_woman(
            "例示　あゆみ",
            "レイジ　アユミ",
            "REIJI AYUMI",
            dt.date(1993, 9, 9),
            "熊本県熊本市中央区架空２２番",
        ),
        live_portrait=HERS,
        card=_hers("9953"),
        insurances=(Insurance("  430001", "0430", "0009953", "00"),),
        certificate_status=CertificateStatus.REVOKED,
    ),
    Patient(
        id="dv_protected",
        says="自己情報提供不可: the card cannot be used, and nobody in the room learns why",
        person=_woman(
            "試験　守",
            "シケン　マモリ",
            "SHIKEN MAMORI",
            dt.date(1988, 7, 7),
            "架空県架空市秘匿一丁目１番",
        ),
        live_portrait=HERS,
        card=_hers("1064"),
        insurances=(Insurance("  000001", "0123", "0001064", "00"),),
        use_restricted=True,
        address_withheld=True,
    ),
    Patient(
        id="address_withheld",
        says="不開示: the card can be used, and no answer holds the address",
        person=_woman(
            "試験　静",
            "シケン　シズカ",
            "SHIKEN SHIZUKA",
            dt.date(1982, 5, 5),
            "架空県架空市秘匿二丁目２番",
        ),
        live_portrait=HERS,
        card=_hers("2175"),
        insurances=(Insurance("  000001", "0123", "0002175", "00"),),
        address_withheld=True,
    ),
)
_ON_FILE: Final = (
    Patient(
        id="aged_70",
        says="70 to 74 years old: 高齢受給者証 with 2割",
        person=_man(
            "見本　喜一",
            "ミホン　キイチ",
            "MIHON KIICHI",
            dt.date(1956, 2, 11),
            "新潟県新潟市中央区模擬２３番",
        ),
        live_portrait=HIS,
        card=_his("3286"),
        insurances=(Insurance("  150001", "0150", "0003286", "00", ratio_70_plus="020"),),
    ),
    Patient(
        id="limit_amount",
        says="限度額適用認定証, 区分ウ: told without being asked about",
        person=_woman(
            "架空　みどり",
            "カクウ　ミドリ",
            "KAKU MIDORI",
            dt.date(1971, 10, 10),
            "鹿児島県鹿児島市例示町２４番",
        ),
        live_portrait=HERS,
        card=_hers("4397"),
        insurances=(Insurance("  460001", "0460", "0004397", "00", limit_flag="A03"),),
    ),
    Patient(
        id="specific_disease",
        says="特定疾病療養受療証: dialysis, own payment of 10 000 yen a month",
        person=_man(
            "模擬　透",
            "モギ　トオル",
            "MOGI TORU",
            dt.date(1963, 3, 3),
            "青森県青森市仮名２５番",
        ),
        live_portrait=HIS,
        card=_his("5408"),
        insurances=(Insurance("  020001", "0200", "0005408", "00", disease="1"),),
    ),
    Patient(
        id="unknown_characters",
        says="a name that the insurer cannot write: it comes as ● and stays ●",
        person=_woman(
            "𠮷野　鷗子",
            "ヨシノ　オウコ",
            "YOSHINO OKO",
            dt.date(1959, 12, 24),
            "奈良県奈良市見本町２６番",
        ),
        live_portrait=HERS,
        card=_hers("6519"),
        insurances=(Insurance("  290001", "0290", "0006519", "00", written_name="●野　●子"),),
    ),
    Patient(
        id="foreign_resident",
        says="a name in Latin letters, a 通称, and a birth date printed in the Gregorian calendar",
        person=_man(
            "NGUYEN VAN MAU",
            "グエン　バン　マウ",
            "NGUYEN VAN MAU",
            dt.date(1995, 6, 15),
            "群馬県前橋市架空町２７番",
        ),
        live_portrait=HIS,
        card=_his("7620", Calendar.GREGORIAN),
        insurances=(Insurance("  100001", "0100", "0007620", "00", other_name="見本　文"),),
    ),
    Patient(
        id="qualification_lost",
        says="the qualification ended (public assistance): it is the holder, and not insured",
        person=_man(
            "例示　去",
            "レイジ　サル",
            "REIJI SARU",
            dt.date(1970, 11, 30),
            "高知県高知市模擬２８番",
        ),
        live_portrait=HIS,
        card=_his("8731"),
        insurances=(Insurance("  390001", "0390", "0008731", "00", lost_because="02"),),
        validity=Validity.INVALID,
    ),
    Patient(
        id="newer_qualification",
        says="the qualification ended, and a newer one exists: a change of work under way",
        person=_woman(
            "見本　移",
            "ミホン　ウツリ",
            "MIHON UTSURI",
            dt.date(1997, 3, 31),
            "兵庫県神戸市中央区例示２９番",
        ),
        live_portrait=HERS,
        card=_hers("9842"),
        insurances=(Insurance("06289999", "４５", "0009842", "00", lost_because="03"),),
        validity=Validity.INVALID_NEWER_EXISTS,
    ),
    Patient(
        id="several_qualifications",
        says="two insurers answer: reception must ask which one holds",
        person=_man(
            "模擬　重",
            "モギ　カサネ",
            "MOGI KASANE",
            dt.date(1984, 1, 4),
            "京都府京都市中京区架空３０番",
        ),
        live_portrait=HIS,
        card=_his("1953"),
        insurances=(
            Insurance("06269999", "７８", "0001953", "00"),
            Insurance("  260001", "0260", "0011953", "00"),
        ),
        validity=Validity.SEVERAL,
    ),
    Patient(
        id="no_qualification",
        says="no insurer knows the person",
        person=_woman(
            "架空　空",
            "カクウ　ソラ",
            "KAKU SORA",
            dt.date(2003, 2, 28),
            "山形県山形市見本３１番",
        ),
        live_portrait=HERS,
        card=_hers("2064"),
        validity=Validity.NONE,
    ),
)

BY_INSURER: Final = (*_REGISTRATION, *_STOPPED, *_ON_FILE)
