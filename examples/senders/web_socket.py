"""Questions and answers over one WebSocket: each text message is asked, and answered with events."""

import asyncio

from aiohttp import ClientSession, web

from rxllm import Model
from rxllm.senders import WebSocketSender

MODEL = web.AppKey("model", Model)


async def chat(request: web.Request) -> web.WebSocketResponse:
    await (socket := web.WebSocketResponse(heartbeat=20)).prepare(request)
    async for question in socket:
        stream = request.app[MODEL].stream(question.data, max_tokens=8)
        async with WebSocketSender(socket) as sender:
            with stream.subscribe(sender):
                await sender.wait_closed()
    return socket


async def main() -> None:
    async with Model("local", seed=2) as model:
        app = web.Application()
        app[MODEL] = model
        app.router.add_get("/", chat)
        await (runner := web.AppRunner(app)).setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        async with ClientSession() as session, session.ws_connect(url) as socket:
            await socket.send_str("Tell me about the sea.")
            while (event := await socket.receive_json())["event"] != "done":
                print(event)
        await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())
