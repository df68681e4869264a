"""A question by insured-card data as reception asks it, and what it gets. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from hostdriver.eligibility.answer import (
    INSURER_NUMBER_WIDTH,
    Eligibility,
    QualificationConfirmSearchInfo,
)
from hostdriver.faults import Refusal

InsurerNumber = Annotated[str, msgspec.Meta(pattern=r"^( {0,2}[0-9]{6}|[0-9]{8})\Z")]
InsuredText = Annotated[str, msgspec.Meta(pattern=r"^[^\x00-\x1f\x7f]{1,20}\Z")]
Branch = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{2}\Z")]
Day = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{8}\Z")]


class QueryParams(msgspec.Struct, frozen=True):
    """What stands on 資格確認書 or 資格情報のお知らせ. Numbers are strings, as printed.

    `insurer_number` has six or eight digits; leading blanks may be left out. `birthdate` is
    YYYYMMDD. A symbol or a branch that the paper does not have is left out.
    """

    insurer_number: InsurerNumber
    insured_identification_number: InsuredText
    birthdate: Day
    insured_card_symbol: InsuredText | None = None
    insured_branch_number: Branch | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"


class QueryResult(msgspec.Struct, frozen=True):
    """The answer. It proves nobody's identity: whoever holds the paper can ask.

    Nobody of these data: `validity` is `none`. More than one person: `several`, and no list.
    """

    inquiry_id: UUID
    """Under which the ledger holds that it was asked."""
    eligibility: Eligibility


def insured_card_data(params: QueryParams) -> QualificationConfirmSearchInfo:
    """What is asked for, with the insurer's number 8 wide. Raises `Refusal` for a day that no
    calendar has."""
    try:
        datetime.strptime(params.birthdate, "%Y%m%d")  # noqa: DTZ007 - a date, in no time zone
    except ValueError as cause:
        raise Refusal("invalid_params", "there is no such day - at `$.birthdate`") from cause
    return QualificationConfirmSearchInfo(
        insurer_number=params.insurer_number.rjust(INSURER_NUMBER_WIDTH),
        insured_card_symbol=params.insured_card_symbol,
        insured_identification_number=params.insured_identification_number,
        insured_branch_number=params.insured_branch_number,
        birthdate=params.birthdate,
    )
