"""The face folder: what is left there, when it is refused, and that it harms no visit."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from front_desk import NAME, NONCE, Json, MoodyGateway, Site, eligibility, open_site, settings
from signing_device import WITHIN_S

from firmware.faults import BadSettings
from firmware.statement import ConsentRecord
from firmware.words import Cause, ConsentAnswer, ConsentItem, Outcome
from hostdriver.advice import ADVICE, health_lines
from hostdriver.driver import running
from hostdriver.eligibility.answer import with_consents
from hostdriver.eligibility.face_folder import (
    MARKER,
    FaceFolder,
    FaceFolderSettings,
    open_face_folder,
)
from hostdriver.eligibility.oqs_xml import read_answer

VISIT = UUID(int=0xC0FFEE)
NOW = datetime(2026, 1, 5, 0, 30, 12, tzinfo=UTC)  # 09:30:12 in Japan
FILE = f"OQSsiquc01res_face_{VISIT.hex}_20260105093012.xml"
LIVE_CODE = "1310000001"
SYNTHETIC = MoodyGateway().capabilities
LIVE = replace(SYNTHETIC, adapter="live", synthetic=False)


def chosen(path: Path | str, **changes: object) -> FaceFolderSettings:
    made = FaceFolderSettings(path=str(path), synthetic_data_is_expected=True)
    return msgspec.structs.replace(made, **changes)


def answers_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != MARKER)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "face"
    made.mkdir()
    return made


async def visit(site: Site) -> Json:
    """One verified visit's result."""
    async with site.client() as desk:
        playing = asyncio.create_task(site.device.verify_one())
        begun = await desk.must("transaction.start", client_ref="a-1", nonce=NONCE)
        await playing
        return await desk.must(
            "transaction.result", transaction_id=begun["transaction_id"], wait_s=WITHIN_S
        )


# --- what is left there
async def test_a_verified_visit_leaves_its_answer(tmp_path: Path, folder: Path) -> None:
    async with open_site(tmp_path, face_folder=chosen(folder)) as site:
        assert (await visit(site))["outcome"] == "verified"
    (name,) = answers_in(folder)  # the driver stops only when the file is there
    read = read_answer((folder / name).read_bytes())
    assert read.result_list == eligibility().result_list
    assert read.message_header.medical_institution_code == "0000000000"


async def test_any_other_visit_leaves_nothing(tmp_path: Path, folder: Path) -> None:
    async with open_site(tmp_path, face_folder=chosen(folder)) as site, site.client() as desk:
        accepting = asyncio.create_task(site.device.accept())
        begun = await desk.must("transaction.start", client_ref="a-1", nonce=NONCE)
        await site.device.end(await accepting, Outcome.REFUSED, Cause.NOT_THE_HOLDER)
        await desk.must(
            "transaction.result", transaction_id=begun["transaction_id"], wait_s=WITHIN_S
        )
        await desk.must(
            "eligibility.query",
            insurer_number="000001",
            insured_identification_number="1",
            birthdate="19520401",
        )
    assert answers_in(folder) == []


async def test_without_the_setting_there_is_no_folder(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        await visit(site)
    assert list(tmp_path.rglob("*.xml")) == []


async def test_name_encoding_and_code_are_the_settings(folder: Path) -> None:
    of_settings = chosen(
        folder,
        encoding="shift_jis",
        institution_code=LIVE_CODE,
        synthetic_data_is_expected=False,
    )
    await FaceFolder(folder, of_settings, now=lambda: NOW).deliver(VISIT, eligibility())
    assert answers_in(folder) == [FILE]
    content = (folder / FILE).read_bytes()
    assert NAME.encode("cp932") in content
    header = read_answer(content).message_header
    assert (header.medical_institution_code, header.character_code_identifier) == (LIVE_CODE, "1")


@pytest.mark.parametrize(
    ("answer", "flag", "times"),
    [
        (ConsentAnswer.GRANTED, b"1", True),
        (ConsentAnswer.REFUSED, b"0", False),
        (ConsentAnswer.NOT_ASKED, None, False),
        (ConsentAnswer.EXPIRED, b"2", True),
        (ConsentAnswer.UNOBTAINABLE, b"3", False),
    ],
)
async def test_consents_stand_in_the_file(
    folder: Path, answer: ConsentAnswer, flag: bytes | None, times: bool
) -> None:
    record = ConsentRecord(ConsentItem.MEDICATION, answer, NOW, NOW + timedelta(hours=24))
    told = eligibility()
    results = tuple(with_consents(result, [record]) for result in told.result_list)
    await FaceFolder(folder, chosen(folder), now=lambda: NOW).deliver(
        VISIT, msgspec.structs.replace(told, result_list=results)
    )
    content = (folder / FILE).read_bytes()
    for triple in (b"PharmacistsInfo", b"DiagnosisInfo"):
        assert (b"<%sConsFlg>" % triple in content) == (flag is not None)
        if flag is not None:
            assert b"<%sConsFlg>%s</" % (triple, flag) in content
        assert (b"<%sConsTime>20260105093012</" % triple in content) == times
        assert (b"<%sAvailableTime>20260106093012</" % triple in content) == times
    assert b"OperationInfo" not in content


# --- whose folder it is
@pytest.mark.parametrize(
    ("gateway", "expected", "code"),
    [
        (SYNTHETIC, False, "0000000000"),  # the default: nobody said that invented data may come
        (SYNTHETIC, True, LIVE_CODE),
        (SYNTHETIC, False, LIVE_CODE),
        (LIVE, True, "0000000000"),
        (LIVE, True, LIVE_CODE),
        (LIVE, False, "0000000000"),
    ],
)
def test_invented_and_real_data_never_meet(
    folder: Path, gateway: object, expected: bool, code: str
) -> None:
    wrong = chosen(folder, synthetic_data_is_expected=expected, institution_code=code)
    with pytest.raises(BadSettings, match=r"face_folder\.(synthetic|institution)"):
        open_face_folder(wrong, folder.parent, gateway)  # type: ignore[arg-type]
    assert list(folder.iterdir()) == []


def test_a_live_folder_takes_no_invented_persons_even_later(folder: Path) -> None:
    live = chosen(folder, synthetic_data_is_expected=False, institution_code=LIVE_CODE)
    open_face_folder(live, folder.parent, LIVE)
    with pytest.raises(BadSettings, match="another kind"):
        open_face_folder(chosen(folder), folder.parent, SYNTHETIC)
    open_face_folder(live, folder.parent, LIVE)  # and stays what it was


@pytest.mark.parametrize(
    "name", ["OQSsiquc01res_face_1234_20260105093012.xml", "notes.txt", "done/", ".hidden"]
)
def test_a_folder_that_is_in_use_is_refused(folder: Path, name: str) -> None:
    other = folder / name
    other.mkdir() if name.endswith("/") else other.write_text("another's")
    with pytest.raises(BadSettings, match="no marker of ours"):
        open_face_folder(chosen(folder), folder.parent, SYNTHETIC)
    assert [path.name for path in folder.iterdir()] == [other.name]


def test_another_producer_in_our_folder_is_refused(folder: Path) -> None:
    open_face_folder(chosen(folder), folder.parent, SYNTHETIC)
    (folder / FILE).write_text("ours")
    (folder / "done").mkdir()  # reception's own affair
    open_face_folder(chosen(folder), folder.parent, SYNTHETIC)
    (folder / "OQSsiquc01res_face_1234_20260105093012.XML").write_text("another's")
    with pytest.raises(BadSettings, match="another producer"):
        open_face_folder(chosen(folder), folder.parent, SYNTHETIC)


async def test_a_driver_does_not_start_on_a_foreign_folder(tmp_path: Path, folder: Path) -> None:
    (folder / "OQSsiquc01res_face_1234_20260105093012.xml").write_text("another's")
    with pytest.raises(BadSettings, match="face_folder"):
        async with running(settings(tmp_path, face_folder=chosen(folder)), MoodyGateway()):
            pass


async def test_what_a_killed_driver_left_half_is_swept(folder: Path) -> None:
    open_face_folder(chosen(folder), folder.parent, SYNTHETIC)
    ours = [folder / f".{name}.0123456789abcdef.part" for name in (FILE, MARKER)]
    anothers = folder / ".a-scan.part"
    for path in (*ours, anothers):
        path.write_text(NAME)
    open_face_folder(chosen(folder), folder.parent, SYNTHETIC)
    assert [path for path in (*ours, anothers) if path.exists()] == [anothers]


def test_a_first_start_that_was_cut_short_does_not_hinder_the_next(folder: Path) -> None:
    (folder / f".{MARKER}.0123456789abcdef.part").write_text("syn")
    open_face_folder(chosen(folder), folder.parent, SYNTHETIC)
    assert {path.name for path in folder.iterdir()} == {MARKER}


# --- trouble
async def test_a_missing_folder_harms_no_visit_and_is_told(tmp_path: Path) -> None:
    absent = tmp_path / "share"
    async with open_site(tmp_path, face_folder=chosen(absent)) as site:
        result = await visit(site)
        assert result["eligibility"]["ResultList"][0]["Name"] == NAME
        async with site.client() as desk:
            health = await desk.must("health")
    assert not health["ok"]
    assert health["problems"] == ["face_folder_unusable"]
    (trouble,) = health["troubles"]
    assert trouble["since"] is not None
    assert "No such file" in trouble["staff_text"]
    told = "\n".join(health_lines(health))
    assert ADVICE["face_folder_unusable"][1] in told


async def test_a_folder_that_comes_later_is_used(tmp_path: Path) -> None:
    late = tmp_path / "share"
    face = open_face_folder(chosen(late), tmp_path, SYNTHETIC)
    assert face.problem is not None
    late.mkdir()
    await face.deliver(VISIT, eligibility())
    assert face.problem is None
    assert len(answers_in(late)) == 1


async def test_a_folder_that_another_fills_gets_nothing_more(folder: Path) -> None:
    face = open_face_folder(chosen(folder), folder.parent, SYNTHETIC)
    (folder / "OQSsiquc01res_face_1234_20260105093012.xml").write_text("another's")
    await face.deliver(VISIT, eligibility())
    assert face.problem is not None
    assert face.problem.what == "the folder holds another producer's files"
    assert len(answers_in(folder)) == 1


IN_A_MOUNT = """
import asyncio, sys
from pathlib import Path
from uuid import UUID
sys.path[:0] = [sys.argv[2]]
from front_desk import eligibility
from hostdriver.eligibility.face_folder import FaceFolder, FaceFolderSettings, MARKER

async def main(folder):
    chosen = FaceFolderSettings(path=str(folder), synthetic_data_is_expected=True)
    face = FaceFolder(folder, chosen)
    await face.deliver(UUID(int=1), eligibility())
    print(face.problem.what, [path.name for path in folder.iterdir() if path.name != MARKER])

asyncio.run(main(Path(sys.argv[1])))
"""
FULL = 'mount -t tmpfs -o size=4k,nr_inodes=8 none "$1"'
READ_ONLY = 'mount -t tmpfs -o ro none "$1"'


@pytest.mark.parametrize(
    ("mount", "problem"), [(FULL, "No space left on device"), (READ_ONLY, "Read-only file system")]
)
def test_a_full_or_read_only_folder_is_told_and_left_clean(
    folder: Path, mount: str, problem: str
) -> None:
    """On a real file system of that kind, in a mount namespace of its own."""
    done = subprocess.run(
        [
            *("unshare", "--map-root-user", "--mount", "sh", "-c"),
            f'{mount} || exit 77; exec "$2" -c "$3" "$1" "$4"',
            *("sh", str(folder), sys.executable, IN_A_MOUNT, str(Path(__file__).parent)),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip(f"no mount namespace here: {done.stderr.strip()}")
    assert done.stdout == f"{problem} []\n", done.stderr
