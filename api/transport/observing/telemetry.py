"""OpenTelemetry traces, one span per operation. Off, and not even imported, until `start_telemetry` is called."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from api.transport.terms.operations import Operation

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Tracer

_tracers: list["Tracer"] = []


def start_telemetry(endpoint: str, service_name: str = "commonwatt") -> "TracerProvider":
    """Export spans by OTLP over HTTP to `endpoint`. Needs the `telemetry` extra; says so when it is missing."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    except ImportError as error:
        raise RuntimeError("Telemetry is on, but not installed: install commonwatt[telemetry].") from error
    return export_to(OTLPSpanExporter(endpoint=endpoint), service_name)


def export_to(exporter: "SpanExporter", service_name: str) -> "TracerProvider":
    """Send spans to an exporter, in batches. Shut the provider down to send the last ones."""
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    provider = TracerProvider(resource=Resource.create({"service.name": service_name}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    _tracers[:] = [provider.get_tracer("commonwatt.graphql")]
    return provider


def stop_telemetry() -> None:
    """Stop making spans."""
    _tracers.clear()


def is_on() -> bool:
    """Whether operations make spans."""
    return bool(_tracers)


@contextmanager
def span(operation: Operation) -> Iterator[None]:
    """A span around one operation, named by kind only until its name is known to be one of ours (`observations`)."""
    if not _tracers:
        yield
        return
    with _tracers[0].start_as_current_span("graphql") as current:
        try:
            yield
        finally:
            current.update_name(f"graphql.{operation.kind or 'refused'}")
            facts = {
                "graphql.operation.type": operation.kind,
                "graphql.document.hash": operation.document_hash,
                "commonwatt.request.id": operation.request_id,
                "commonwatt.cost": operation.cost,
                "commonwatt.error.code": operation.code,
                "commonwatt.transport": operation.transport,
            }
            current.set_attributes({name: value for name, value in facts.items() if value is not None})
