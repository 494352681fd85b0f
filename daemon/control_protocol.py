"""JSON-RPC 2.0, one object a line: requests read, answers written. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from actors.errors import TradingError

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603

LINE_BYTES_MAX = 65_536
"""Of a request; answers may be longer."""


class RpcError(TradingError):
    """An answer that says what was wrong with the question."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Request(msgspec.Struct, frozen=True):
    """One call; without an id it is a notification and gets no answer."""

    method: str
    params: dict[str, Any]
    id: str | int | float | None
    wants_answer: bool


def read_line(line: bytes) -> tuple[list[Request | RpcError], bool]:
    """The requests of a line, each invalid one as its error, and whether they came as a batch.

    Raises:
        RpcError: The line as a whole is no JSON, or an empty batch.
    """
    try:
        value = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RpcError(PARSE_ERROR, f"this line is not JSON: {error}") from None
    if not isinstance(value, list):
        return [_read(value)], False
    if not value:
        raise RpcError(INVALID_REQUEST, "a batch must hold at least one request")
    return [_read(each) for each in value], True


def _read(value: Any) -> Request | RpcError:
    if (
        not isinstance(value, dict)
        or value.get("jsonrpc") != "2.0"
        or not isinstance(value.get("method"), str)
    ):
        return RpcError(
            INVALID_REQUEST, 'a request is {"jsonrpc": "2.0", "id": 1, "method": "status", "params": {}}'
        )
    request_id, params = value.get("id"), value.get("params", {})
    if isinstance(request_id, bool) or not isinstance(request_id, str | int | float | None):
        return RpcError(INVALID_REQUEST, "an id is a text or a number")
    if not isinstance(params, dict):
        return RpcError(INVALID_PARAMS, "parameters are given by name, as an object")
    return Request(value["method"], params, request_id, "id" in value)


def request_line(method: str, params: dict[str, Any], request_id: int = 1) -> bytes:
    """What a client sends."""
    return (
        msgspec.json.encode({"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}) + b"\n"
    )


def result_of(request_id: str | int | float | None, result: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request_id, "result": result}


def error_of(request_id: str | int | float | None, error: RpcError) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request_id, "error": {"code": error.code, "message": str(error)}}


def answer_line(answer: Any) -> bytes:
    """What a server sends; money as text."""
    return msgspec.json.encode(answer) + b"\n"


def read_answer(line: bytes) -> Any:
    """The result in a server's line.

    Raises:
        RpcError: The server answered with an error, or with what is no answer.
    """
    try:
        answer = msgspec.json.decode(line)
    except msgspec.DecodeError:
        answer = None
    if not isinstance(answer, dict) or not ("result" in answer or "error" in answer):
        raise RpcError(INTERNAL_ERROR, "the daemon's answer is not understood: is it the same version?")
    if (error := answer.get("error")) is not None:
        raise RpcError(int(error["code"]), str(error["message"]))
    return answer["result"]
