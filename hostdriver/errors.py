"""Every error of the local socket: symbol → code and texts. One row each; the document walks them.

Codes below zero are JSON-RPC's own; ours are positive and never reused. `patient` is what may be
said aloud at the desk; `staff` says what to do.
"""

from __future__ import annotations

from dataclasses import dataclass

from firmware.words import Cause

ASK_STAFF = "受付の職員にお声がけください。"
PLEASE_WAIT = "少しお待ちください。"


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """One error. `cause` names the row of `texts.CAUSES` whose ways out are offered with it."""

    code: int
    message: str
    staff: str
    patient: str = ASK_STAFF
    cause: Cause | None = None


ERRORS: dict[str, ErrorRow] = {
    # --- JSON-RPC
    "parse_error": ErrorRow(
        -32700, "the line is not JSON", "受付ソフトの要求がJSONではありません。"
    ),
    "invalid_request": ErrorRow(
        -32600, "not a JSON-RPC 2.0 request", "受付ソフトの要求の形が正しくありません。"
    ),
    "method_not_found": ErrorRow(
        -32601, "no such method", "受付ソフトが未対応の機能を求めました。"
    ),
    "invalid_params": ErrorRow(
        -32602, "the parameters do not fit", "受付ソフトの要求の項目が正しくありません。"
    ),
    "internal_error": ErrorRow(
        -32603, "the host driver failed", "ホストドライバの内部エラーです。記録を確認してください。"
    ),
    # --- connection
    "hello_required": ErrorRow(
        1001, "the first request must be hello", "受付ソフトは最初にhelloを送る必要があります。"
    ),
    "protocol_unsupported": ErrorRow(
        1002,
        "this driver speaks protocol 1.x",
        "受付ソフトとホストドライバの版が合いません。更新してください。",
    ),
    "token_refused": ErrorRow(
        1003,
        "the token is missing or wrong",
        "接続トークンが正しくありません。設定を確認してください。",
    ),
    "personal_number_refused": ErrorRow(
        1004,
        "a 12-digit number is never accepted",
        "12桁の番号は受け取りません。個人番号を入力していないか確認してください。",
    ),
    "line_too_long": ErrorRow(
        1005, "a line may have 65536 bytes", "受付ソフトの要求が長すぎます。"
    ),
    "too_many_connections": ErrorRow(
        1006, "too many connections", "接続が多すぎます。不要な接続を閉じてください。"
    ),
    "too_many_requests": ErrorRow(
        1007, "too many requests at once", "要求が多すぎます。少し待って再送してください。"
    ),
    # --- reader
    "reader_unknown": ErrorRow(
        1101, "no reader of that name", "その名前のカードリーダーは設定されていません。"
    ),
    "reader_unavailable": ErrorRow(
        1102,
        "the reader does not answer",
        "カードリーダーと通信できません。電源と接続を確認してください。",
        cause=Cause.READER_UNAVAILABLE,
    ),
    "reader_busy": ErrorRow(
        1103,
        "another visit is under way",
        "別の方の受付中です。終わってからやり直してください。",
        PLEASE_WAIT,
    ),
    "reader_refused": ErrorRow(
        1104, "the reader refused", "カードリーダーがこの要求を受け付けませんでした。"
    ),
    "profile_not_allowed": ErrorRow(
        1105,
        "the reader's settings do not allow this profile",
        "この業務種別はカードリーダーの設定で許可されていません。",
    ),
    "method_not_allowed": ErrorRow(
        1106,
        "the reader's settings do not allow this method",
        "この本人確認方法はカードリーダーの設定で許可されていません。",
    ),
    "method_not_available": ErrorRow(
        1109,
        "none of these methods can be used now",
        "求めた本人確認方法はいま使えません。カメラなどの機器の状態を確認してください。",
    ),
    "staff_look_closed": ErrorRow(
        1110,
        "the staff look is closed after too many wrong passcodes",
        "職員のパスコードが続けて違ったため、目視確認を5分ほど止めています。他の方法で受付できます。",
        cause=Cause.STAFF_LOOK_CLOSED,
    ),
    "reason_required": ErrorRow(
        1112,
        "a visit without consent needs a reason",
        "救急・災害の受付には、同意を得られない理由が必要です。受付ソフトで理由を選んでください。",
    ),
    "reason_not_allowed": ErrorRow(
        1113,
        "this profile does not allow this reason",
        "同意を得られない理由が業務種別と合いません。救急・災害以外の受付では理由を付けません。",
    ),
    "tampered": ErrorRow(
        1111,
        "the reader's enclosure is open",
        "カードリーダーの箱が開いています。手を加えられていないか確認し、閉じてください。",
        cause=Cause.TAMPERED,
    ),
    "storage_unavailable": ErrorRow(
        1116,
        "the reader has no room left to keep its records",
        "カードリーダーの記憶領域に空きがないため受付を始められません。ディスクを空けてください。",
        cause=Cause.STORAGE_UNAVAILABLE,
    ),
    "reader_version": ErrorRow(
        1117,
        "reader and host driver speak different protocols",
        "カードリーダーとホストドライバの版が合いません。両方を同じ版に更新してください。",
        cause=Cause.READER_UNAVAILABLE,
    ),
    "reader_taken": ErrorRow(
        1118,
        "another host has this reader",
        "このカードリーダーは別のパソコンとつながっています。どちらか一方だけを使ってください。",
        cause=Cause.READER_UNAVAILABLE,
    ),
    "doctor_busy": ErrorRow(
        1119,
        "the reader is being examined already",
        "カードリーダーを診断中です。終わってからやり直してください。",
        PLEASE_WAIT,
    ),
    "language_not_available": ErrorRow(
        1107, "the reader does not have this language", "この言語はカードリーダーにありません。"
    ),
    "device_not_trusted": ErrorRow(
        1108,
        "the reader's key is not the pinned one, or nobody paired it",
        "登録したカードリーダーと鍵が異なるか、未登録です。使用せず、管理者に連絡してください。",
        cause=Cause.READER_UNAVAILABLE,
    ),
    "pairing_refused": ErrorRow(
        1114,
        "the reader was not paired",
        "カードリーダーを登録できませんでした。表示された6桁の数字を確かめてください。3回まで試せます。",
    ),
    "pairing_not_possible": ErrorRow(
        1115,
        "this reader cannot be paired now",
        "いまは登録できません。カードリーダー側で登録を始め、ケーブルを確認してください。",
    ),
    # --- visit
    "transaction_unknown": ErrorRow(
        1201,
        "no such visit, or its result was taken or has expired",
        "該当する受付がないか、結果は受け取り済み、または保存期間を過ぎています。",
    ),
    "already_taken": ErrorRow(
        1202, "this visit belongs to another client", "この受付は別の端末・ソフトのものです。"
    ),
    "not_finished": ErrorRow(
        1203, "the visit is still under way", "受付はまだ終わっていません。", PLEASE_WAIT
    ),
    "nonce_reused": ErrorRow(
        1204,
        "another visit began with this nonce",
        "受付ソフトが同じnonceを二度使いました。受付ごとに新しい乱数が必要です。",
    ),
    # --- upstream and driver
    "upstream_unavailable": ErrorRow(
        1301,
        "the eligibility service does not answer",
        "資格確認の接続先が応答しません。通信と接続先を確認してください。",
        cause=Cause.UPSTREAM_UNAVAILABLE,
    ),
    "upstream_cannot_query": ErrorRow(
        1302,
        "the eligibility service cannot be asked by insured-card data",
        "設定された接続先は保険者番号などでの照会ができません。資格確認端末で照会してください。",
    ),
    "upstream_cannot_confirm_card": ErrorRow(
        1303,
        "the eligibility service cannot confirm a card: no visit may begin",
        "設定された接続先はカードによる受付を確認できません。資格確認端末で照会してください。",
        cause=Cause.UPSTREAM_CANNOT_CONFIRM_CARD,
    ),
    "gateway_not_set_up": ErrorRow(
        1304,
        "the eligibility service lacks authorities or insured persons: no visit may begin",
        "資格確認の接続先が設定されていないため受付を始められません。設置担当者に連絡してください。",
        cause=Cause.UPSTREAM_UNAVAILABLE,
    ),
    "ledger_unavailable": ErrorRow(
        1401,
        "the ledger cannot be used: no visit may begin",
        "記録を書き込めないため受付を始められません。ディスクの空きを確認してください。",
        cause=Cause.LEDGER_UNAVAILABLE,
    ),
    "shutting_down": ErrorRow(
        1402, "the host driver is stopping", "ホストドライバが停止中です。", PLEASE_WAIT
    ),
    "face_folder_unusable": ErrorRow(
        1403,
        "result files cannot be left in the face folder: visits go on without them",
        "結果のファイルをフォルダに置けません。受付は続けられます。フォルダを確認してください。",
    ),
}
