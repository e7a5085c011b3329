"""A W&B server on the loopback: it notes what it is sent, and may hang or fail. Only the real client talks to it."""

from __future__ import annotations

import gzip
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "0123456789" * 4
"""A key of the form that the client accepts."""
GENERATING = "generating-"
"""Ids of runs that show how generating goes on begin so."""
PROJECTS = ("har_llm", "mine")


@dataclass
class Received:
    """What the server was sent, by what it is."""

    url: str = ""
    queries: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    uploads: dict[str, bytes] = field(default_factory=dict)
    stream: list[dict[str, Any]] = field(default_factory=list)
    """Of runs that are no generating."""
    keys: set[str] = field(default_factory=set)

    def sent(self, operation: str) -> list[dict[str, Any]]:
        """The variables of every such GraphQL operation, in order."""
        return [variables for name, variables in self.queries if name == operation]

    def runs(self) -> list[str]:
        """Ids of the runs but those of generating, in the order of their first mention."""
        names = [variables["name"] for variables in self.sent("UpsertBucket") if variables.get("name")]
        return list(dict.fromkeys(name for name in names if not name.startswith(GENERATING)))

    def history(self) -> list[dict[str, Any]]:
        """Every row of every run."""
        rows = []
        for message in self.stream:
            rows += message.get("files", {}).get("wandb-history.jsonl", {}).get("content", [])
        return [json.loads(row) for row in rows]

    def finished(self) -> int:
        """How many runs have said that they are complete."""
        return sum(bool(message.get("complete")) for message in self.stream)


@contextmanager
def fake_wandb(trouble: str = "", spare: str = "") -> Iterator[Received]:
    """`trouble`: "500" or "hang" for every request but those whose address or operation matches `spare`."""
    received, over = Received(), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            received.keys.add(self.headers.get("Authorization") or "")
            operation, variables = operation_of(body) if self.path == "/graphql" else ("", {})
            if trouble and not (spare and re.search(spare, f"{self.path} {operation}")):
                if trouble == "hang":
                    over.wait(120)
                    return
                self.answer(int(trouble), b'{"errors": [{"message": "It does not work."}]}')
                return
            if self.path == "/graphql":
                received.queries.append((operation, variables))
                self.answer(200, json.dumps({"data": answer(operation, variables, received.url)}).encode())
                return
            if self.path.startswith("/upload/"):
                received.uploads[self.path.removeprefix("/upload/")] = body
            elif self.path.endswith("/file_stream") and f"/{GENERATING}" not in self.path:
                received.stream.append(json.loads(body))
            self.answer(200, b"{}")

        do_GET = do_POST = do_PUT = handle_one

        def answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that has disconnected is not an error of the server."""

    server = Server(("127.0.0.1", 0), Handler)
    received.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield received
    finally:
        over.set()
        server.shutdown()
        server.server_close()


def operation_of(body: bytes) -> tuple[str, dict[str, Any]]:
    request = json.loads(body)
    found = re.search(r"(?:query|mutation)\s+(\w+)", request["query"])
    return found.group(1) if found else "", request.get("variables") or {}


def answer(operation: str, variables: dict[str, Any], url: str) -> dict[str, Any]:
    """As much of W&B's answer as its client reads."""
    made = ANSWERS.get(operation)
    return made(variables, url) if made else {}


def _bucket(variables: dict[str, Any], url: str) -> dict[str, Any]:
    bucket = {
        "id": "run-" + str(variables.get("name")),
        "name": variables.get("name"),
        "displayName": variables.get("displayName"),
        "project": {"id": "p", "name": variables.get("project") or "uncategorized", "entity": {"id": "e", "name": "team"}},
        "historyLineCount": 0,
    }
    return {"upsertBucket": {"bucket": bucket, "inserted": True}}


def _run_files(variables: dict[str, Any], url: str) -> dict[str, Any]:
    files = [{"name": name, "uploadUrl": f"{url}/upload/{variables['run']}/{name}"} for name in variables["files"]]
    return {"createRunFiles": {"runID": "r", "uploadHeaders": [], "files": files}}


def _artifact(variables: dict[str, Any], url: str) -> dict[str, Any]:
    name = variables["input"]["artifactCollectionName"]
    sequence = {"id": "s", "latestArtifact": None}
    return {"createArtifact": {"artifact": {"id": name, "state": "PENDING", "artifactSequence": sequence}}}


def _manifest(variables: dict[str, Any], url: str) -> dict[str, Any]:
    target = f"{url}/upload/{variables['artifactID']}/manifest.json"
    file = {"id": "f", "name": "m", "displayName": "m", "uploadUrl": target, "uploadHeaders": []}
    return {"createArtifactManifest": {"artifactManifest": {"id": "m", "file": file}}}


def _artifact_files(variables: dict[str, Any], url: str) -> dict[str, Any]:
    edges = []
    for asked in variables["input"]["artifactFiles"]:
        target = f"{url}/upload/{asked['artifactID']}/{asked['name']}"
        node = {"id": "f", "name": asked["name"], "displayName": asked["name"], "storagePath": "x", "uploadUrl": target}
        edges.append({"node": {**node, "uploadHeaders": [], "artifact": {"id": asked["artifactID"]}}})
    return {"createArtifactFiles": {"files": {"edges": edges}}}


def _view(variables: dict[str, Any], url: str) -> dict[str, Any]:
    project = {"id": "p", "name": variables["projectName"], "entityName": variables["entityName"]}
    named = {"id": variables["id"] or "view1", "type": variables["type"], "name": variables["name"], "project": project}
    described = {"displayName": variables["displayName"], "description": variables["description"]}
    view = {**named, **described, "spec": variables["spec"], "updatedAt": "2026-01-01T00:00:00"}
    return {"upsertView": {"view": view, "inserted": True}}


def _projects(variables: dict[str, Any], url: str) -> dict[str, Any]:
    common = {"entityName": variables["entity"], "createdAt": "2026-01-01T00:00:00", "isBenchmark": False, "user": None}
    nodes = [{"__typename": "Project", "id": name, "name": name, **common} for name in PROJECTS]
    page = {"__typename": "PageInfo", "endCursor": None, "hasNextPage": False}
    return {"models": {"pageInfo": page, "edges": [{"node": node} for node in nodes]}}


ANSWERS: dict[str, Any] = {
    "GetProjects": _projects,
    "upsertView": _view,
    "ProjectInternalId": lambda variables, url: {"project": {"internalId": "p"}},
    "GetDefaultEntity": lambda variables, url: {"viewer": {"id": "v", "entity": "team"}},
    "Viewer": lambda variables, url: {"viewer": {"id": "v", "entity": "team", "username": "someone", "flags": "{}"}},
    "ServerFeaturesQuery": lambda variables, url: {"serverInfo": {"features": []}},
    "ArtifactType": lambda variables, url: {"project": {"artifact": None}},
    "UpsertBucket": _bucket,
    "CreateRunFiles": _run_files,
    "CreateArtifact": _artifact,
    "CreateArtifactManifest": _manifest,
    "CreateArtifactFiles": _artifact_files,
    "UseArtifact": lambda variables, url: {"useArtifact": {"artifact": {"id": variables["input"]["artifactID"]}}},
    "CommitArtifact": lambda variables, url: {
        "commitArtifact": {"artifact": {"id": variables["artifactID"], "digest": "d"}}
    },
}
