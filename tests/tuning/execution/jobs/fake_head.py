"""A head that takes jobs over Ray's HTTP API, as far as `submit` needs it, and does with them what a test says."""

from __future__ import annotations

import asyncio
import contextlib
import threading

import ray
from aiohttp import web


class FakeHead:
    """Answers at `address`. `jobs` holds what was submitted, by id, with `status`.

    `script` says what each connection to a log does: coroutines `(socket, head, job)`, the last for all that follow. With a
    `token` it asks for it, and `asked` holds the header of each request. `refusals` are answers to the next submissions,
    before the job is taken or, where they begin with "+", after it.
    """

    def __init__(self, *, token: str = "") -> None:
        self.token, self.asked, self.jobs, self.uploads = token, [], {}, []
        self.refusals, self.script, self.connections, self.away = [], [], 0, False

    def end(self, job_id: str, status: str = "SUCCEEDED", **facts: object) -> None:
        """The job ends."""
        self.jobs[job_id] |= {"status": status, **facts}

    @contextlib.contextmanager
    def running(self):
        """It answers until the block ends."""
        loop, started = asyncio.new_event_loop(), threading.Event()
        runner = web.AppRunner(self._app())

        async def start() -> None:
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0, shutdown_timeout=0.1)
            await site.start()
            self.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
            started.set()

        def run() -> None:
            loop.run_until_complete(start())
            loop.run_forever()

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        assert started.wait(20)
        try:
            yield self
        finally:
            asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(20)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)
            loop.close()

    def _app(self) -> web.Application:
        app = web.Application(middlewares=[self._guard], client_max_size=2**27)
        app.router.add_get("/api/version", self._version)
        app.router.add_get("/api/packages/{protocol}/{name}", self._no_package)
        app.router.add_put("/api/packages/{protocol}/{name}", self._upload)
        app.router.add_post("/api/jobs/", self._submit)
        app.router.add_get("/api/jobs/{id}", self._job)
        app.router.add_get("/api/jobs/{id}/logs/tail", self._tail)
        return app

    @web.middleware
    async def _guard(self, request, handler):
        self.asked.append(request.headers.get("Authorization", ""))
        if self.away:
            return web.Response(status=503)
        if self.token and self.asked[-1] != f"Bearer {self.token}":
            return web.Response(status=403 if self.asked[-1] else 401)
        return await handler(request)

    async def _version(self, _):
        told = {"version": "4", "ray_version": ray.__version__, "ray_commit": "", "session_name": "fake"}
        return web.json_response(told)

    async def _no_package(self, _):
        return web.Response(status=404)

    async def _upload(self, request):
        self.uploads.append(len(await request.read()))
        return web.Response()

    async def _submit(self, request):
        asked = await request.json()
        refusal = self.refusals.pop(0) if self.refusals else ""
        if not refusal or refusal.startswith("+"):
            assert asked["submission_id"] not in self.jobs, "submitted twice"
            self.jobs[asked["submission_id"]] = {"type": "SUBMISSION", "status": "RUNNING", **asked}
        if refusal:
            return web.Response(status=500, text=refusal)
        return web.json_response({"job_id": asked["submission_id"], "submission_id": asked["submission_id"]})

    async def _job(self, request):
        job = self.jobs.get(request.match_info["id"])
        return web.json_response(job) if job else web.Response(status=404)

    async def _tail(self, request):
        job_id = request.match_info["id"]
        if job_id not in self.jobs:
            return web.Response(status=404)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        part = self.script[min(self.connections, len(self.script) - 1)]
        self.connections += 1
        await part(socket, self, job_id)
        return socket


def says(*parts: str, ends: str = "SUCCEEDED", **facts: object):
    """A connection that sends `parts`; then the job ends, or with `ends=""` the connection alone does."""

    async def part(socket, head, job_id) -> None:
        for text in parts:
            await socket.send_str(text)
        if ends:
            head.end(job_id, ends, **facts)

    return part


def breaks(*parts: str):
    """A connection that sends `parts` and is torn off; the job runs on."""

    async def part(socket, head, job_id) -> None:
        for text in parts:
            await socket.send_str(text)
        socket._req.transport.abort()
        await asyncio.sleep(5)

    return part


def hangs(*parts: str, then=lambda head, job_id: None, after_s: float = 0.1):
    """A connection that sends `parts` and says nothing ever after; meanwhile `then` happens."""

    async def part(socket, head, job_id) -> None:
        for text in parts:
            await socket.send_str(text)
        await asyncio.sleep(after_s)
        then(head, job_id)
        await socket.receive()

    return part
