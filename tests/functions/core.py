"""The process of a function app: Microsoft's own worker core, driven over stdin and stdout as the host would over gRPC.

Start it with the folder of `function_app.py`; each line in is one call, each line out its answer.
The core keeps the app in its modules, so there is one app a process.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

Json = dict[str, Any]


class Wire:
    """Stands for a class that protobuf makes: named fields, unset ones are None, one of them may be asked for."""

    def __init__(self, **fields: object) -> None:
        self.__dict__.update(fields)
        self._set = list(fields)

    def __getattr__(self, name: str) -> None:
        if name.startswith("__") or name[:1].isupper():  # the core probes for nested classes: there are none
            raise AttributeError(name)

    def WhichOneof(self, _group: str) -> str | None:  # noqa: N802 - its name in protobuf
        """Return the one field of a union that is set."""
        return self._set[0] if self._set else None


NAMES = """
TypedData RpcHttp RpcException RpcRetryOptions RpcFunctionMetadata ParameterBinding WorkerMetadata Timestamp
NullableString NullableBool NullableDouble NullableTimestamp WorkerInitResponse FunctionMetadataResponse
FunctionLoadResponse FunctionEnvironmentReloadResponse InvocationResponse
""".split()


def _protos() -> SimpleNamespace:
    """Return what the core takes for its protobuf module; the values are those of the real enumerations."""
    same_site = SimpleNamespace(Lax=1, Strict=2, ExplicitNone=3)
    setattr(same_site, "None", 0)
    directions = {"in": 0, "out": 1, "inout": 2, "undefined": 0, "string": 1, "binary": 2, "stream": 3}
    return SimpleNamespace(
        BindingInfo=type("BindingInfo", (Wire,), directions),
        StatusResult=type("StatusResult", (Wire,), {"Failure": 0, "Success": 1}),
        RpcHttpCookie=type("RpcHttpCookie", (Wire,), {"SameSite": same_site}),
        **{name: type(name, (Wire,), {}) for name in NAMES},
    )


PROTOS = _protos()
TypedData: Callable[..., Any] = PROTOS.TypedData


class Core:
    """One indexed function app."""

    def __init__(self, folder: Path) -> None:
        sys.path.insert(0, str(folder))
        from azure_functions_runtime import handle_event  # noqa: PLC0415 - it reads sys.path
        from azure_functions_runtime.utils.threadpool import start_threadpool_executor  # noqa: PLC0415 - as above

        self._events: Any = handle_event
        self._folder, self._functions = folder, dict[str, Any]()
        start_threadpool_executor()

    async def start(self) -> Json:
        """Index the app by the calls that the host makes; return the bindings of each function."""
        settings = SimpleNamespace(capabilities={}, function_app_directory=str(self._folder))
        begun = await self._events.worker_init_request(_request(worker_init_request=settings))
        if begun.result.status != PROTOS.StatusResult.Success:
            raise RuntimeError(begun.result.exception.message + begun.result.exception.stack_trace)
        listed = await self._events.functions_metadata_request(_request(functions_metadata_request=settings))
        for each in listed.function_metadata_results or ():
            self._functions[each.name] = each
            load = SimpleNamespace(function_id=each.function_id)
            await self._events.function_load_request(_request(function_load_request=load))
        return {
            name: [json.loads(binding) for binding in each.raw_bindings]
            for name, each in self._functions.items()
        }

    async def invoke(self, function: str, trigger: str, data: object, metadata: Json | None = None) -> Json:
        """Call one function; return its result, its messages for the output binding, and how long it took."""
        given = SimpleNamespace(name=trigger, data=data, WhichOneof=lambda _group: "data")
        call = SimpleNamespace(
            invocation_id=str(uuid.uuid4()),
            function_id=self._functions[function].function_id,
            input_data=[given],
            trigger_metadata=metadata or {},
            trace_context=SimpleNamespace(trace_parent="", trace_state="", attributes={}),
            retry_context=SimpleNamespace(retry_count=0, max_retry_count=0, exception=None),
        )
        begun = time.perf_counter()
        answer = await self._events.invocation_request(_request(invocation_request=call))
        took = time.perf_counter() - begun
        if answer.result.status != PROTOS.StatusResult.Success:
            return {"failed": answer.result.exception.message, "ms": took * 1000}
        outputs = {each.name: _value(each.data) for each in answer.output_data or ()}
        http = answer.return_value.http if answer.return_value is not None else None
        return {"http": None if http is None else _told(http), "outputs": outputs, "ms": took * 1000}


async def obey(core: Core, call: Json) -> Json:
    """Do what one line asks for."""
    if "http" in call:
        http = call["http"]
        body = TypedData(bytes=http["body"].encode())
        given = TypedData(http=PROTOS.RpcHttp(**{**http, "body": body}))
        return await core.invoke(call["function"], call["trigger"], given)
    if "message" in call:
        message = call["message"]
        about = {name: TypedData(string=message[name]) for name in ("Id", "PopReceipt")}
        about["DequeueCount"] = TypedData(json=str(message["DequeueCount"]))
        moments = ("InsertionTime", "ExpirationTime", "NextVisibleTime")
        about |= {name: TypedData(string="2026-11-25T12:00:00+00:00") for name in moments}
        return await core.invoke(call["function"], call["trigger"], TypedData(string=message["text"]), about)
    if "timer" in call:
        schedule = json.dumps({"IsPastDue": False, "Schedule": {}, "ScheduleStatus": {}})
        return await core.invoke(call["function"], call["trigger"], TypedData(json=schedule))
    return {"modules": sorted(sys.modules)}


def _request(**fields: object) -> SimpleNamespace:
    return SimpleNamespace(
        request=SimpleNamespace(**fields), properties={"host": "127.0.0.1", "protos": PROTOS}
    )


def _value(data: Any) -> object:  # noqa: ANN401 - a union of protobuf
    if data is None:
        return None
    kind = data.WhichOneof("data")
    value = getattr(data, kind)
    return json.loads(value) if kind == "json" else value


def _told(http: Any) -> Json:  # noqa: ANN401 - a message of protobuf
    body = _value(http.body) or b""
    text = body.decode() if isinstance(body, bytes) else str(body)
    return {"status": int(http.status_code), "headers": dict(http.headers), "body": text}


async def main() -> None:
    """Index the app, then obey line by line."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO)
    out, sys.stdout = sys.stdout, sys.stderr
    core = Core(Path(sys.argv[1]))
    print(json.dumps(await core.start()), file=out, flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(await obey(core, json.loads(line))), file=out, flush=True)


if __name__ == "__main__":
    asyncio.run(main())
