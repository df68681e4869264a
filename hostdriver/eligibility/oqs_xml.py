"""The official terminal's XML (`XmlMsg`) ↔ our answer and our question. Pure; lxml, hardened.

It knows element names from `answer.py` alone: a struct's fields are its elements, in their order,
and a list's items are named after their class. Strings pass untouched: leading blanks and zeros,
half-width kana, ●. Unknown elements are passed over; whatever else is odd is `MalformedAnswer`.

Assumed: the shape of a request. Public code shows the names and an answer's shape alone.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from enum import Enum
from functools import cache
from types import UnionType
from typing import Any, Final, NamedTuple, TypeVar, get_args, get_origin

import msgspec
from lxml import etree

from hostdriver.eligibility.answer import (
    Element,
    Eligibility,
    MessageHeader,
    QualificationConfirmSearchInfo,
    ResultOfQualificationConfirmation,
    Validity,
)
from hostdriver.faults import MalformedAnswer, Refusal

MAX_DOCUMENT_BYTES: Final = 1 << 20  # a person with several insurances takes some 10 kB
MAX_DEPTH: Final = 16  # of elements in elements; the format has 6
GETA: Final = "●"  # what the field prints for a character that it cannot carry

ROOT: Final = "XmlMsg"
HEADER: Final = "MessageHeader"
BODY: Final = "MessageBody"
VALIDITY: Final = "QualificationValidity"
PRESCRIPTION: Final = "PrescriptionIssueSelect"
RESULTS: Final = "ResultList"

_DECLARATION: Final = re.compile(r"\A<\?xml\s[^<>]*?\?>")
_DECLARED_ENCODING: Final = re.compile(
    rb"\A<\?xml\s[^<>]*?encoding\s*=\s*[\"']([\w.:-]{1,40})[\"']"
)
_MARKUP_DECLARATION: Final = re.compile(r"<!(DOCTYPE|ENTITY|ELEMENT|ATTLIST|NOTATION)")
_NO_XML_CHARACTER: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# A code of Shift_JIS that JIS and Microsoft read in two ways; Python's codec knows the others.
_MICROSOFT_READS: Final = str.maketrans("—", "―")

Kind = TypeVar("Kind", bound=Element)


class Encoding(Enum):
    """How the file is written: `CharacterCodeIdentifier`, the name in the XML, Python's codec."""

    UTF_8 = ("0", "UTF-8", "utf-8")
    # Assumed: "Shift_JIS" of a program for Windows is its code page 932, which has 髙 and ①.
    SHIFT_JIS = ("1", "Shift_JIS", "cp932")

    def __init__(self, identifier: str, declared: str, codec: str) -> None:
        self.identifier, self.declared, self.codec = identifier, declared, codec


ENCODINGS: Final = {"utf-8": Encoding.UTF_8, "shift_jis": Encoding.SHIFT_JIS}
"""As settings name them."""
CODECS: Final = {
    "utf-8": "utf-8-sig",
    **dict.fromkeys(("shift_jis", "shift-jis", "sjis", "x-sjis", "windows-31j", "cp932"), "cp932"),
}


# --- writing
def write_answer(answer: Eligibility, encoding: Encoding) -> bytes:
    """An answer as a file. What the encoding cannot carry becomes ●; nothing else changes."""
    header = msgspec.structs.replace(
        answer.message_header, character_code_identifier=encoding.identifier
    )
    root = etree.Element(ROOT)
    _fill(etree.SubElement(root, HEADER), header)
    body = etree.SubElement(root, BODY)
    _put(body, "ProcessingResultStatus", answer.processing_result_status)
    _put(body, "ProcessingResultCode", answer.processing_result_code)
    _put(body, "ProcessingResultMessage", answer.processing_result_message)
    _put(body, VALIDITY, answer.validity.code)
    _put(body, PRESCRIPTION, answer.prescription_issue_select)
    if answer.qualification_confirm_search_info is not None:
        asked = answer.qualification_confirm_search_info
        _fill(etree.SubElement(body, type(asked).__name__), asked)
    results = etree.SubElement(body, RESULTS)
    for result in answer.result_list:
        _fill(etree.SubElement(results, type(result).__name__), result)
    return _encoded(root, encoding, "kazashi.geta")


def write_question(
    header: MessageHeader, asked: QualificationConfirmSearchInfo, encoding: Encoding
) -> bytes:
    """A question by insured-card data as a file.

    Raises `Refusal` for what the file cannot carry: with a ● it would ask about somebody else.
    """
    root = etree.Element(ROOT)
    told = msgspec.structs.replace(header, character_code_identifier=encoding.identifier)
    _fill(etree.SubElement(root, HEADER), told)
    _fill(etree.SubElement(etree.SubElement(root, BODY), type(asked).__name__), asked)
    lost = Refusal("invalid_params", f"a character that {encoding.declared} in XML does not have")
    if any(_NO_XML_CHARACTER.search(text or "") for text in msgspec.structs.astuple(asked)):
        raise lost
    try:
        return _encoded(root, encoding, "strict")
    except UnicodeEncodeError:
        raise lost from None  # it holds the whole question


def _fill(node: etree._Element, element: Element) -> None:
    for field in _fields(type(element)):
        value = getattr(element, field.attribute)
        if field.kind is None:
            _put(node, field.name, value)
        elif isinstance(value, Element):
            _fill(etree.SubElement(node, field.name), value)
        elif value:
            items = etree.SubElement(node, field.name)
            for item in value:
                _fill(etree.SubElement(items, field.kind.__name__), item)


def _put(node: etree._Element, name: str, text: str | None) -> None:
    if text is not None:
        etree.SubElement(node, name).text = _NO_XML_CHARACTER.sub(GETA, text)


def _encoded(root: etree._Element, encoding: Encoding, errors: str) -> bytes:
    text = str(etree.tostring(root, encoding="unicode"))
    if encoding is Encoding.SHIFT_JIS:
        text = text.translate(_MICROSOFT_READS)
    document = f'<?xml version="1.0" encoding="{encoding.declared}"?>\n{text}\n'
    return document.encode(encoding.codec, errors=errors)


def _geta(error: UnicodeError) -> tuple[str, int]:
    """A codec's error handler: ● for a character; a selector of a variant is left out."""
    assert isinstance(error, UnicodeEncodeError)
    lost = error.object[error.start : error.end]
    return "".join("" if _is_selector(one) else GETA for one in lost), error.end


def _is_selector(character: str) -> bool:
    return "VARIATION SELECTOR" in unicodedata.name(character, "")


codecs.register_error("kazashi.geta", _geta)


# --- reading
def read_answer(content: bytes) -> Eligibility:
    """The answer in a file. `PrescriptionIssueSelect` is read in the body and in each result.

    Raises `MalformedAnswer`.
    """
    return _answer(_parsed(content))


def _answer(root: etree._Element) -> Eligibility:
    body = _one(root, BODY)
    codes = {validity.code: validity for validity in Validity}
    code = _text(_one(body, VALIDITY))
    if code not in codes:
        raise MalformedAnswer(f"{VALIDITY} is no known code")
    searched = _at_most_one(body, QualificationConfirmSearchInfo.__name__)
    return Eligibility(
        validity=codes[code],
        message_header=_read(MessageHeader, _one(root, HEADER)),
        processing_result_status=_text(_one(body, "ProcessingResultStatus")),
        processing_result_code=_text_of(body, "ProcessingResultCode"),
        processing_result_message=_text_of(body, "ProcessingResultMessage"),
        prescription_issue_select=_prescription(body),
        qualification_confirm_search_info=None
        if searched is None
        else _read(QualificationConfirmSearchInfo, searched),
        result_list=tuple(
            _read(ResultOfQualificationConfirmation, result) for result in _results(body)
        ),
    )


class Reply(NamedTuple):
    """A file that says to which question it belongs, and the answer in it or why there is none."""

    content: bytes
    header: MessageHeader
    answer: Eligibility | MalformedAnswer


def read_reply(content: bytes) -> Reply:
    """The answer in a file, of which the header at least can be read: an error has no more.

    Raises `MalformedAnswer`.
    """
    root = _parsed(content)
    header = _read(MessageHeader, _one(root, HEADER))
    try:
        return Reply(content, header, _answer(root))
    except MalformedAnswer as fault:
        return Reply(content, header, fault)


def read_question(content: bytes) -> tuple[MessageHeader, QualificationConfirmSearchInfo]:
    """The question in a file: what a terminal does with it. Raises `MalformedAnswer`."""
    root = _parsed(content)
    asked = _one(_one(root, BODY), QualificationConfirmSearchInfo.__name__)
    return _read(MessageHeader, _one(root, HEADER)), _read(QualificationConfirmSearchInfo, asked)


def _parsed(content: bytes) -> etree._Element:
    """The root. No DTD is read, no entity is known, nothing is fetched, and sizes are bounded."""
    if len(content) > MAX_DOCUMENT_BYTES:
        raise MalformedAnswer(f"the document has more than {MAX_DOCUMENT_BYTES} bytes")
    text = _DECLARATION.sub("", _decoded(content), count=1)
    # A look at the text, before the parser: nothing is ever declared in an answer.
    if _MARKUP_DECLARATION.search(text):
        raise MalformedAnswer("the document declares a type or an entity")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(text, parser)
    except (etree.XMLSyntaxError, ValueError) as cause:
        # Not what libxml2 says: it may cite the document, and that is about a person.
        raise MalformedAnswer("the document is not well-formed XML") from cause
    depth = 0
    for happening, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if happening == "start" else -1
        if depth > MAX_DEPTH:
            raise MalformedAnswer(f"more than {MAX_DEPTH} elements within each other")
    if root.tag != ROOT:
        raise MalformedAnswer(f"the document is no {ROOT}")
    return root


def _decoded(content: bytes) -> str:
    declared = _DECLARED_ENCODING.match(content.removeprefix(codecs.BOM_UTF8))
    name = declared[1].decode("ascii").lower() if declared else "utf-8"
    if name not in CODECS:
        raise MalformedAnswer("the encoding is neither UTF-8 nor Shift_JIS")
    try:
        return content.decode(CODECS[name])
    except UnicodeDecodeError as cause:
        raise MalformedAnswer(f"the document is not {name}") from cause


def _read(kind: type[Kind], node: etree._Element) -> Kind:
    values: dict[str, Any] = {}
    for field in _fields(kind):
        child = _one(node, field.name) if field.required else _at_most_one(node, field.name)
        if child is None:
            continue
        if field.kind is None:
            values[field.attribute] = _text(child)
        elif field.many:
            items = child.findall(field.kind.__name__)
            values[field.attribute] = tuple(_read(field.kind, item) for item in items)
        else:
            values[field.attribute] = _read(field.kind, child)
    return kind(**values)


def _at_most_one(node: etree._Element, name: str) -> etree._Element | None:
    """The child of that name. Of two it is open which one counts, so neither does."""
    found = node.findall(name)
    if len(found) > 1:
        raise MalformedAnswer(f"{name} comes twice in {node.tag}")
    return found[0] if found else None


def _one(node: etree._Element, name: str) -> etree._Element:
    child = _at_most_one(node, name)
    if child is None:
        raise MalformedAnswer(f"{name} is absent")
    return child


def _text(node: etree._Element) -> str:
    if len(node):
        raise MalformedAnswer(f"{node.tag} holds elements")
    return node.text or ""


def _text_of(node: etree._Element, name: str) -> str | None:
    child = _at_most_one(node, name)
    return None if child is None else _text(child)


def _results(body: etree._Element) -> list[etree._Element]:
    holder = _at_most_one(body, RESULTS)
    return [] if holder is None else holder.findall(ResultOfQualificationConfirmation.__name__)


def _prescription(body: etree._Element) -> str | None:
    """The wish, which some programs write in the body and some in each result."""
    told = {_text_of(place, PRESCRIPTION) for place in (body, *_results(body))} - {None}
    if len(told) > 1:
        raise MalformedAnswer(f"{PRESCRIPTION} is told in two ways")
    return told.pop() if told else None


# --- the schema, as the structs tell it
class _Field(NamedTuple):
    """One element: a text, another struct (`kind`), or a list of them (`many`)."""

    name: str
    attribute: str
    required: bool
    kind: type[Element] | None
    many: bool


@cache
def _fields(kind: type[Element]) -> tuple[_Field, ...]:
    return tuple(
        _Field(
            field.encode_name,
            field.name,
            field.required,
            next((part for part in get_args(field.type) if _is_element(part)), None),
            not isinstance(field.type, UnionType) and get_origin(field.type) is tuple,
        )
        for field in msgspec.structs.fields(kind)
    )


def _is_element(part: object) -> bool:
    return isinstance(part, type) and issubclass(part, Element)
