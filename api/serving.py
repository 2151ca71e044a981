"""`uvicorn --factory api.serving:create_app`: what an API process serves."""

from api.processes.serving import create_app

__all__ = ["create_app"]
