"""A page that reads an answer with EventSource."""

from aiohttp import web

from rxllm import Model
from rxllm.senders import SseSender

PAGE = """<!doctype html><meta charset="utf-8"><title>rxllm</title><pre id="answer"></pre><p id="state">…</p><script>
const source = new EventSource("/events");
const on = (name, act) => source.addEventListener(name, (event) => act(event.data ? JSON.parse(event.data) : null));
const end = (said) => { state.textContent = said; source.close(); };  // or it would ask once more
on("token", (item) => answer.append(item.text));
on("rollback", () => { answer.textContent = ""; });
on("tool_start", (item) => { state.textContent = `${item.name} …`; });
on("tool_complete", (item) => { state.textContent = `${item.name} ✓ ${item.duration_ms.toFixed()} ms`; });
on("done", (item) => end(`done: ${item.reason}`));
on("error", (error) => end(`failed: ${error ? error.message : "the connection was lost"}`));
</script>"""
MODEL = web.AppKey("model", Model)


async def events(request: web.Request) -> web.StreamResponse:
    sender = SseSender(request)
    with request.app[MODEL].stream("Tell me about the sea.", max_tokens=30).subscribe(sender):
        return await sender.respond()


async def page(_: web.Request) -> web.Response:
    return web.Response(text=PAGE, content_type="text/html")


def application(model: Model) -> web.Application:
    app = web.Application()
    app[MODEL] = model
    app.add_routes([web.get("/", page), web.get("/events", events)])
    return app


if __name__ == "__main__":
    web.run_app(application(Model("local", seed=2)), host="127.0.0.1", port=8080)
