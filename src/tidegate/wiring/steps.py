"""How async code reaches the database: each step is one plain function on a thread that owns its connection.

In a request the steps run on the request's own thread (`async_to_sync` brings them back to it). A worker has a small pool
of threads of its own, so that several lanes don't wait for one another.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from asgiref.sync import async_to_sync, sync_to_async
from django.db import close_old_connections
from django.db import connection as database

T = TypeVar("T")

WORKER_THREADS = 6

TRUSTED_SECONDS = 1.0
"""A connection that served so recently, without an error, is used without asking whether it still stands."""

_pool = ThreadPoolExecutor(max_workers=WORKER_THREADS, thread_name_prefix="database")
_thread = threading.local()


async def request_step(function: Callable[..., T], *args: object, **kwargs: object) -> T:
    """On the thread of the request that waits for us."""
    return await sync_to_async(function, thread_sensitive=True)(*args, **kwargs)


async def worker_step(function: Callable[..., T], *args: object, **kwargs: object) -> T:
    """On one of the worker's threads."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_pool, partial(_with_fresh_connection, function, *args, **kwargs))


def _with_fresh_connection(function: Callable[..., T], *args: object, **kwargs: object) -> T:
    """A connection that broke since the last step is opened anew."""
    served_at = getattr(_thread, "served_at", None)
    if served_at is None or time.monotonic() - served_at > TRUSTED_SECONDS or database.errors_occurred:
        close_old_connections()
    try:
        return function(*args, **kwargs)
    finally:
        _thread.served_at = time.monotonic()


def run(coroutine: Callable[..., Coroutine[Any, Any, T]], *args: object) -> T:
    """Run an async function to its end from plain code."""
    return async_to_sync(coroutine)(*args)
