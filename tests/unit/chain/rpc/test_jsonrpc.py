import json
from typing import Any

import pytest

from chain.rpc.jsonrpc import ANSWER_BYTES_MAX, BATCH_MAX, RpcError, answer_frame


async def _echo(method: str, params: list[Any]) -> Any:
    if method == "fail":
        raise RpcError(4003, "Client error: no", {"why": "test"})
    return [method, *params]


async def _answer(frame: str) -> Any:
    answer = await answer_frame(frame, _echo)
    return None if answer is None else json.loads(answer)


@pytest.mark.parametrize("request_id", [1, "Uz15", None, 0, 2**63])
async def test_the_id_comes_back_unchanged(request_id: Any) -> None:
    frame = json.dumps({"jsonrpc": "2.0", "id": request_id, "method": "m", "params": [1, None]})

    assert await _answer(frame) == {"jsonrpc": "2.0", "id": request_id, "result": ["m", 1, None]}


async def test_missing_and_null_parameters_are_an_empty_array() -> None:
    for params in ("", ', "params": null', ', "params": []'):
        assert (await _answer('{"id": 1, "method": "m"' + params + "}"))["result"] == ["m"]


async def test_an_error_carries_code_message_and_data() -> None:
    answer = await _answer('{"jsonrpc": "2.0", "id": 7, "method": "fail"}')

    assert answer == {
        "jsonrpc": "2.0",
        "id": 7,
        "error": {"code": 4003, "message": "Client error: no", "data": {"why": "test"}},
    }


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("{", -32700),
        ("", -32700),
        ("\x00", -32700),
        ("[" * 100_000, -32700),
        ("[]", -32600),
        ("7", -32600),
        ('"text"', -32600),
        ("null", -32600),
        ("{}", -32600),
        ('{"id": 1, "method": 5}', -32600),
        ('{"id": 1, "jsonrpc": "1.0", "method": "m"}', -32600),
        ('{"id": [1], "method": "m"}', -32600),
        ('{"id": true, "method": "m"}', -32600),
        ('{"id": 1.5, "method": "m"}', -32600),
        ('{"id": 1, "method": "m", "params": {"a": 1}}', -32602),
        ('{"id": 1, "method": "m", "params": 3}', -32602),
    ],
)
async def test_a_malformed_frame_gets_an_error_and_no_exception(frame: str, code: int) -> None:
    assert (await _answer(frame))["error"]["code"] == code


async def test_bytes_that_are_no_text_are_a_parse_error() -> None:
    answer = await answer_frame(b"\xff\xfe{}", _echo)

    assert answer is not None
    assert json.loads(answer)["error"]["code"] == -32700


async def test_a_batch_is_answered_with_an_array_that_leaves_out_notifications() -> None:
    frame = '[{"id": 1, "method": "a"}, {"method": "b"}, {"id": 2, "method": "fail"}, 5]'

    answer = await _answer(frame)

    assert [item["id"] for item in answer] == [1, 2, None]
    assert answer[0]["result"] == ["a"]
    assert answer[2]["error"]["code"] == -32600


async def test_notifications_alone_get_no_answer() -> None:
    assert await _answer('{"method": "a"}') is None
    assert await _answer('{"method": "fail"}') is None
    assert await _answer('[{"method": "a"}]') is None


async def test_a_batch_above_the_limit_is_refused_whole() -> None:
    calls = [{"id": number, "method": "m"} for number in range(BATCH_MAX + 1)]

    assert (await _answer(json.dumps(calls)))["error"]["code"] == 4029


async def test_a_batch_whose_answer_grows_too_large_is_cut_short_with_errors() -> None:
    carried_out = []

    async def large(method: str, params: list[Any]) -> Any:
        carried_out.append(method)
        return "x" * (ANSWER_BYTES_MAX // 2)

    calls = [{"id": number, "method": "m"} for number in range(5)]
    answer = await answer_frame(json.dumps(calls), large)

    assert answer is not None
    decoded = json.loads(answer)
    assert [item["id"] for item in decoded] == list(range(5))
    assert [item.get("error", {}).get("code") for item in decoded] == [None, None, 4029, 4029, 4029]
    assert len(carried_out) == 2
