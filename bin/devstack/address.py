"""Prints, for the shell, the addresses of what this checkout's `bin/up` runs at the moment."""

import json
import shlex

from bin.devstack import postgres
from bin.devstack.installation import STATE
from bin.devstack.ports import LOOPBACK, is_free


def kept_ports() -> dict[str, int]:
    """The ports that this checkout's services had last, or have now."""
    path = STATE / "ports.json"
    ports: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}
    return ports


def api_url() -> str | None:
    """Where the API answers while it runs."""
    port = kept_ports().get("api")
    return f"http://{LOOPBACK}:{port}" if port else None


def addresses() -> dict[str, str]:
    """The environment in which a command meets the running stack."""
    running = {service: port for service, port in kept_ports().items() if not is_free(port)}
    found = {"COMMONWATT_SECRET": postgres.kept_secret(STATE / "secret")}
    if "postgres" in running:
        found["DATABASE_URL"] = postgres.url_on_loopback(running["postgres"])
    if "valkey" in running:
        found["REDIS_URL"] = f"redis://{LOOPBACK}:{running['valkey']}/0"
    return found


if __name__ == "__main__":
    for name, value in addresses().items():
        print(f"export {name}=${{{name}:-{shlex.quote(value)}}}")
