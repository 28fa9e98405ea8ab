"""The composition root: puts a server together from its parts, starts them in order, ends them in reverse."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final, Protocol, Self, TypeVar

from fogbank.clouds.aws.certificates import Certificates
from fogbank.clouds.aws.function_urls import FunctionUrlGateway
from fogbank.clouds.aws.gateway import AwsGateway
from fogbank.clouds.aws.parts import Parts
from fogbank.clouds.aws.services import (
    aws_addresses,
    aws_couriers,
    aws_dialects,
    aws_feed_formats,
    aws_formats,
    aws_launchers,
    aws_log_keepers,
    aws_pipe_forms,
    aws_services,
    aws_table,
    aws_tellers,
    aws_timers,
    aws_tracers,
)
from fogbank.clouds.aws.sessions import Sessions
from fogbank.clouds.aws.watching.front import AwsFront
from fogbank.clouds.azure.gateway import AzureGateway
from fogbank.clouds.azure.parts import Parts as AzureParts
from fogbank.clouds.azure.services import (
    azure_addresses,
    azure_completers,
    azure_couriers,
    azure_dialects,
    azure_feed_formats,
    azure_formats,
    azure_launchers,
    azure_log_keepers,
    azure_preparers,
    azure_shapes,
    azure_table,
    azure_timers,
)
from fogbank.clouds.azure.watching.front import AzureFront
from fogbank.clouds.gcp.gateway import GcpGateway
from fogbank.clouds.gcp.services import (
    gcp_addresses,
    gcp_couriers,
    gcp_dialects,
    gcp_launchers,
    gcp_log_keepers,
    gcp_push_forms,
    gcp_shapes,
    gcp_table,
    gcp_timers,
)
from fogbank.clouds.hosts import is_cloud
from fogbank.connectors.async_invocations import AsyncInvocations
from fogbank.connectors.delivery.carrying import Carrier
from fogbank.connectors.delivery.deliveries import Deliveries
from fogbank.connectors.delivery.mailing import Mailer
from fogbank.connectors.delivery.posting import Poster
from fogbank.connectors.delivery.pushes import Pushes
from fogbank.connectors.delivery.scheduled import sending
from fogbank.connectors.delivery.targets import Targets
from fogbank.connectors.function_logs import FunctionLogs
from fogbank.connectors.invocation_history import InvocationHistory
from fogbank.connectors.invoker import Invoker
from fogbank.connectors.piping.feeds import FeedTriggers
from fogbank.connectors.piping.pipes import Pipes
from fogbank.connectors.piping.replication import Replication
from fogbank.connectors.queue_triggers import QueueTriggers
from fogbank.connectors.readiness import Readiness
from fogbank.connectors.schedules import Schedules
from fogbank.connectors.signing import Signer
from fogbank.connectors.snapshots.snapshots import Snapshots
from fogbank.connectors.tables.model import Tables
from fogbank.connectors.time_control import TimeControl
from fogbank.connectors.timekeeper import Timekeeper
from fogbank.connectors.upkeep.copying import Copying
from fogbank.connectors.upkeep.documents import DocumentUpkeep
from fogbank.connectors.upkeep.housekeeping import Housekeeping
from fogbank.connectors.watching.message_faults import MessageFaults
from fogbank.control import (
    authority,
    debugging,
    firestore,
    invocations,
    localstack,
    outbox,
    snapshots,
    tables,
    time,
)
from fogbank.control import routes as routing
from fogbank.control.authority import AuthorityEndpoint
from fogbank.control.debugging import DebugEndpoint
from fogbank.control.endpoints import Control
from fogbank.control.firestore import FirestoreEndpoint
from fogbank.control.invocations import Invocations
from fogbank.control.localstack import LocalStackEndpoint, missing_services
from fogbank.control.outbox import OutboxEndpoint
from fogbank.control.routes import Routes
from fogbank.control.seeing import faults, requests
from fogbank.control.seeing.faults import FaultsEndpoint
from fogbank.control.seeing.requests import RequestsEndpoint
from fogbank.control.snapshots import ExportEndpoint, ImportEndpoint, SnapshotsEndpoint
from fogbank.control.tables import Documents
from fogbank.control.time import ClockEndpoint
from fogbank.engines.messaging.receiving import Receiver
from fogbank.kernel.clock import Clock
from fogbank.kernel.ids import Ids
from fogbank.runtimes.azure_functions.contract import AzureFunctionsContract
from fogbank.runtimes.functions_framework.contract import FunctionsFrameworkContract
from fogbank.runtimes.hooks.hooks import Hooks
from fogbank.runtimes.lambda_runtime_api.contract import LambdaContract
from fogbank.runtimes.lambda_runtime_api.python import PYTHON
from fogbank.runtimes.runner import FunctionRunner
from fogbank.settings import PORT_MAX, SettingsError
from fogbank.storage import open_store
from fogbank.storage.images.files import part_of
from fogbank.storage.images.model import ImageError
from fogbank.storage.images.packing import IMAGE_BYTES_MAX
from fogbank.storage.server import nodes
from fogbank.storage.server.folder import DataFolder
from fogbank.storage.timers import TimerService
from fogbank.wire.http1_reader import Bodies
from fogbank.wire.http2.front import Front
from fogbank.wire.http2.server import PREFACE, Http2Server
from fogbank.wire.server import HttpServer
from fogbank.wire.tls.authority import Authority, default_folder
from fogbank.wire.tls.contexts import Contexts
from fogbank.wire.tls.tunnels import BEGINNING, Tunnels
from fogbank.wire.watching.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from pathlib import Path

    from fogbank.control.endpoints import Endpoint
    from fogbank.runtimes.contract import Contract
    from fogbank.settings import Settings
    from fogbank.storage import Store
    from fogbank.wire.http import Gateway, Request, Response
    from fogbank.wire.watching.model import Front as Seeing


# So many turns of the event loop without work for the store mean that nothing more comes of what was set off.
QUIET_TURNS: Final = 5


_TIERS: Final = {
    "A": "tier A: own session, limits, clean environment, private temporary folder",
    "B": "tier B: own namespaces and file system, no privileges, filtered system calls",
}
# Where clients look for emulators of a service, of those services that there are.
ALIAS_PORTS: Final = {
    8_081: "Azure Cosmos DB",
    8_902: "Azure Cosmos DB for Table",
    10_001: "Azure Queue Storage",
    10_002: "Azure Table Storage",
}
EVERYWHERE: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, not listened on


class Part(Protocol):
    """What runs by itself."""

    def start(self) -> None:
        """Begin."""

    async def close(self) -> None:
        """Stop."""


P = TypeVar("P", bound=Part)


class PortError(OSError):
    """A port can't be listened on: the setting that has it, the port, and why."""

    def __init__(self, setting: str, port: int, error: OSError) -> None:
        super().__init__(error.errno, error.strerror)
        self.setting = setting
        self.port = port


class App:
    """One Fogbank server. `async with App(settings) as app` runs it; `app.port` is where it listens."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        ids: Ids | None = None,
        hooks: Hooks | None = None,
    ) -> None:
        self.settings = settings
        # Whoever runs the server runs them, too: see `fogbank up`.
        self.hooks = hooks or Hooks()
        self.clock = clock or Clock()
        self.ids = ids or Ids(self.clock)
        self.port = 0
        # 0 where the port after `port` is somebody else's.
        self.tls_port = 0
        self.authority = Authority(settings.ca or default_folder())
        self.aliases: dict[int, str] = {}
        self.store: Store
        self.time: TimeControl
        self.snapshots: Snapshots
        self.runner: FunctionRunner
        self.logs: FunctionLogs
        self.poster: Poster
        self.signer: Signer
        self._history: InvocationHistory
        self._triggers: QueueTriggers
        self._feeds: FeedTriggers
        self._pushes: Pushes
        self._pipes: Pipes
        self._replication: Replication
        self._readiness: Readiness
        self._sessions: Sessions
        self._aws: AwsGateway
        self._function_urls: FunctionUrlGateway
        # The other clouds, which are asked before AWS: each claims requests by host, path or headers.
        self._others: tuple[tuple[Gateway, Seeing | None], ...] = ()
        self.watch = Watch(self.clock)
        self._aws_front = AwsFront(self.ids)
        self._control: Control
        self._parts: list[Part] = []
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @property
    def loopback_url(self) -> str:
        """Where functions reach the server."""
        return reachable(self.settings.host, self.port)

    @property
    def url(self) -> str:
        """Where the server is reached."""
        return f"http://{_bracketed(self.settings.host)}:{self.port}"

    @property
    def tls_url(self) -> str:
        """Where the server is reached over TLS; nothing where it isn't."""
        return f"https://{_bracketed(self.settings.host)}:{self.tls_port}" if self.tls_port else ""

    @property
    def sandbox(self) -> str:
        """What functions run in, as the banner says it."""
        tier = self.runner.tier
        text = _TIERS[tier.name] + ("" if self.runner.exact_limits else ", memory watched")
        return f"{text} (no more, because {tier.note})" if tier.note else text

    def handle(self, request: Request) -> Coroutine[object, object, Response]:
        """Answer any request: function URLs by their host, our own endpoints by their path, the rest is a cloud's."""
        if self._function_urls.claims(request):
            return self.watch.handle(self._aws_front, self._function_urls.handle, request)
        if request.raw_path.startswith("/_"):
            return self._control.handle(request)
        if request.raw_path != "/" or not request.headers.get(b"authorization", b"").startswith(b"AWS4-"):
            # Not what AWS's busiest protocols send.
            for gateway, front in self._others:
                if gateway.claims(request):
                    return (
                        gateway.handle(request) if front is None else self.watch.handle(front, gateway.handle, request)
                    )
        return self.watch.handle(self._aws_front, self._aws.handle, request)

    async def reset(self) -> None:
        """Delete every resource and end what runs for it."""
        await self._replace(self._empty)

    async def _empty(self) -> None:
        await self.store.reset()
        # Time doesn't go back, and what comes now is to be told from what was before.
        await self.time.keep()

    async def _replace(self, replace: Callable[[], Awaitable[None]]) -> None:
        """Have the store's contents replaced: what runs for those that were there ends, and all begins anew."""
        if not self.port:
            # Nothing runs yet.
            await replace()
            return
        followers = (self._triggers, self._feeds, self._pushes, self._pipes, self._replication)
        for each in followers:
            each.reset()
        await self.runner.reset()
        self._history.forget()
        self.watch.clear()
        try:
            await replace()
        finally:
            # What was called meanwhile may have the number of something else by now.
            await self.runner.reset()
            for each in followers:
                each.start()
            self._readiness.start()
            # What ended with its instance may have been noted meanwhile.
            self._history.forget()
            self._sessions.forget()
            self._gcp.forget()

    async def settle(self) -> None:
        """Return once nothing is under way that runs without waiting for a client or the clock."""
        quiet_turns = 0
        while quiet_turns < QUIET_TURNS:
            await asyncio.sleep(0)
            quiet_turns = quiet_turns + 1 if self.store.idle else 0
            await self.store.drain()

    async def _start(self) -> None:
        folder = await self._open_store()
        self._add(Housekeeping(self.store, self.clock))
        keepers = {**aws_log_keepers(), **azure_log_keepers(), **gcp_log_keepers()}
        self.logs = self._add(FunctionLogs(self.store, self.ids, keepers))
        self._history = self._add(InvocationHistory(self.store, self.clock, self.ids))
        await self._open_runner(folder)
        self._sessions = Sessions(self.store, self.clock, self.ids)
        launchers = {
            **aws_launchers(lambda: self.loopback_url, self._sessions),
            **azure_launchers(),
            **gcp_launchers(),
        }
        tracers = aws_tracers(self.clock, self.ids)
        completers = azure_completers(lambda: (self.store, self.ids), self.clock)
        preparers = azure_preparers(lambda: self.store, self.clock, self.ids)
        invoker = Invoker(self.store, self.runner, launchers, self._history, tracers, completers, preparers)
        receiver = Receiver(self.store, self.clock, self.ids, MessageFaults(self.watch.faults))
        self.time.under_way = invoker.under_way
        self._add_background(invoker, receiver)
        gcp = self._open_clouds(invoker, receiver)
        kept = Invocations(self.store, self.clock, self.ids, invoker, self._history)
        routes = Routes(self.store, self.ids, Targets((aws_addresses, gcp_addresses, azure_addresses)))
        documents = Documents(self._tables(gcp))
        endpoints: dict[str, Endpoint] = {
            authority.PATH: AuthorityEndpoint(self.authority),
            debugging.PATH: DebugEndpoint(self.store, self.runner),
            faults.PATH: FaultsEndpoint(self.watch.faults),
            firestore.PATH: FirestoreEndpoint(lambda: gcp.parts),
            invocations.PATH: kept,
            outbox.PATH: OutboxEndpoint(self.store),
            snapshots.EXPORT_PATH: ExportEndpoint(self.snapshots),
            snapshots.IMPORT_PATH: ImportEndpoint(self.snapshots),
            snapshots.PATH: SnapshotsEndpoint(self.snapshots),
            requests.PATH: RequestsEndpoint(self.store, self.watch.log),
            routing.PATH: routes,
            tables.PATH: documents,
            time.PATH: ClockEndpoint(self.time),
            **dict.fromkeys(localstack.PATHS, self._localstack()),
        }
        self._control = Control(self.store, self._aws.services, self.reset, self.runner, endpoints)
        await self._listen(gcp)
        for part in self._parts:
            part.start()

    def _localstack(self) -> LocalStackEndpoint:
        return LocalStackEndpoint(self._aws.services, self.hooks, self.reset, self.clock, self.ids)

    @property
    def missing_services(self) -> list[str]:
        """What is to be said of services that somebody counts on and that there aren't."""
        return missing_services(self.settings.services, self._aws.services)

    async def _listen(self, gcp: GcpGateway) -> None:
        """Open the ports; raises `PortError` for one that can't be opened."""
        settings = self.settings
        http2 = Http2Server(Front(self.handle, gcp.grpc, self._aws.refuse), self.clock)
        self._stack.push_async_callback(http2.close)
        contexts = Contexts(self.authority, is_cloud)
        tunnels = Tunnels(contexts)
        others = ((PREFACE, http2.take), (BEGINNING, tunnels.take))
        bodies = Bodies(longer={snapshots.IMPORT_PATH.encode(): IMAGE_BYTES_MAX})
        server = HttpServer(self.handle, self.clock, self._aws.refuse, others=others, bodies=bodies)
        tunnels.connect = server.connect
        self._stack.push_async_callback(server.close)
        self._stack.push_async_callback(tunnels.close)
        # Whoever waits for another client isn't waited for.
        self._stack.callback(gcp.forget)
        try:
            self.port = await server.listen(settings.host, settings.port)
        except OSError as error:
            raise PortError("port", settings.port, error) from None
        tls_port = settings.tls_port
        if tls_port is None:
            tls_port = settings.port + 1 if 0 < settings.port < PORT_MAX else 0
        try:
            self.tls_port = await server.listen(settings.host, tls_port, contexts.listening)
        except OSError as error:
            # The port was nobody's wish: tunnels carry TLS all the same.
            if settings.tls_port is not None:
                raise PortError("tls_port", tls_port, error) from None
        if settings.alias_ports:
            await self._listen_aside(server)

    async def _listen_aside(self, server: HttpServer) -> None:
        """Listen on the ports where clients look for emulators; raises `SettingsError` for one that is taken."""
        for port, what in ALIAS_PORTS.items():
            try:
                await server.listen(self.settings.host, port)
            except OSError as error:
                msg = f"alias_ports: port {port} ({what}) can't be listened on: {error.strerror}"
                raise SettingsError(msg) from None
            self.aliases[port] = what

    async def _open_store(self) -> Path | None:
        """Open the store; returns the folder that keeps everything, if it is one."""
        settings = self.settings
        folder = None
        if not settings.memory and settings.database is None:
            folder = self._stack.enter_context(DataFolder(settings.data)).path
        self.store = await open_store(self.clock, folder=folder, url=settings.database)
        self._stack.push_async_callback(self.store.close)
        self.time = TimeControl(self.store, self.clock, self.settle)
        await self.time.restore()
        await self._open_snapshots()
        joined = await self.store.run(nodes.join)
        self.ids.join(joined.start, joined.sequence)
        return folder

    async def _open_snapshots(self) -> None:
        """Open the folder of snapshots, and begin with a file if one is given; raises `SettingsError`."""
        settings = self.settings
        folder = None if settings.memory else settings.data / "snapshots"
        if settings.database is not None:
            # Other servers may have the same database, and each keeps its own.
            folder = settings.data / "snapshots-postgresql"
        parts = (self.store, self.clock, self.ids)
        self.snapshots = Snapshots(parts, self.time, folder, self._replace)
        self._stack.callback(self.snapshots.close)
        if settings.import_from is not None and (settings.import_from.exists() or not settings.goes_on):
            try:
                await self.snapshots.import_from(settings.import_from)
            except (ImageError, OSError) as error:
                msg = f"{settings.import_from} can't be imported: {error}"
                raise SettingsError(msg) from None
        if settings.export_on_exit is not None:
            try:
                # Told now, and not when all there is would be lost.
                with part_of(settings.export_on_exit.absolute().parent, settings.export_on_exit.name) as part:
                    part.touch()
            except OSError as error:
                msg = f"nothing can be exported into {settings.export_on_exit}: {error.strerror}"
                raise SettingsError(msg) from None
            self._stack.push_async_callback(self._export, settings.export_on_exit)

    async def _export(self, path: Path) -> None:
        # A server that couldn't start leaves alone what an earlier one has written.
        if self.port:
            await self.snapshots.export_to(path)

    async def _open_runner(self, folder: Path | None) -> None:
        """Find out how functions can be run here; raises `SettingsError` where that is not as it has to be."""
        settings = self.settings
        contracts: dict[str, Contract] = {
            "azure-functions": AzureFunctionsContract(),
            "functions-framework": FunctionsFrameworkContract(),
            "lambda": LambdaContract(self.clock, self.ids),
        }
        self.runner = FunctionRunner(
            self.store, self.clock, self.ids, contracts, self.logs.take, folder, settings.shared
        )
        self._stack.push_async_callback(self.runner.close)
        await self.runner.open(PYTHON, isolated=settings.sandbox != "process")
        if settings.sandbox == "strict" and self.runner.tier.name != "B":
            msg = f"sandbox is strict, and functions can't be isolated here: {self.runner.tier.note}"
            raise SettingsError(msg)

    def _add_background(self, invoker: Invoker, receiver: Receiver) -> None:
        """Add what runs without a request."""
        store, clock, ids = self.store, self.clock, self.ids
        self._readiness = self._add(Readiness(store, invoker))
        self._add(DocumentUpkeep(store, clock, {**azure_shapes(), **gcp_shapes(ids)}))
        self._add(Copying(store, ids))
        self._replication = self._add(Replication(store, clock, ids))
        tellers = aws_tellers(lambda: self.loopback_url, clock, ids)
        self._add(AsyncInvocations(store, clock, ids, invoker, tellers))
        self.poster = Poster(clock)
        self.signer = Signer(store)
        mailer = Mailer(self.settings.mail_server)
        self._stack.callback(mailer.close)
        couriers = {**aws_couriers(store, self.poster, self.signer), **gcp_couriers(self.signer), **azure_couriers()}
        dialects = {**aws_dialects(lambda: self.loopback_url), **gcp_dialects(), **azure_dialects()}
        carrier = Carrier((store, clock, ids), invoker, self.poster, mailer, couriers, dialects)
        self._add(Deliveries((store, clock, ids), carrier, self.poster, mailer))
        pipe_forms = aws_pipe_forms(lambda: self.loopback_url, clock, ids)
        self._pipes = self._add(Pipes((store, clock, ids), receiver, carrier, pipe_forms))
        forms = gcp_push_forms(clock, ids, self.poster, self.signer, invoker)
        self._pushes = self._add(Pushes(store, clock, receiver, forms))
        actions = {**aws_timers(), **azure_timers(), **gcp_timers(), "schedule": sending(dialects)}
        self._add(Timekeeper(TimerService(store, clock, ids, actions)))
        formats = {**aws_formats(), **azure_formats(clock)}
        self._triggers = self._add(QueueTriggers(store, clock, ids, receiver, invoker, formats))
        feed_formats = {**aws_feed_formats(lambda: self.loopback_url, clock, ids), **azure_feed_formats(ids)}
        self._feeds = self._add(FeedTriggers(store, clock, ids, invoker, feed_formats))
        self._add(Schedules(store, clock, ids, invoker))

    def _open_clouds(self, invoker: Invoker, receiver: Receiver) -> GcpGateway:
        """Make the clouds' front doors."""
        store, clock, ids = self.store, self.clock, self.ids
        azure_parts = AzureParts(store, clock, ids, invoker, receiver, self.poster, self.signer)
        azure = self._add(AzureGateway(azure_parts))
        rules, checks = self._firestore_rules(), self.settings.firestore_index_check
        gcp = self._gcp = self._add(
            GcpGateway(store, clock, ids, invoker, self.signer, receiver, checks_indexes=checks, firestore_rules=rules)
        )
        gcp.watch(self.watch)
        self._others = ((azure, AzureFront(azure_parts)), (gcp, gcp.front), (Certificates(self.signer), None))
        parts = Parts(
            store, clock, ids, self._sessions, receiver, invoker, self.settings.strict, self.settings.queue_urls
        )
        self._aws = AwsGateway(aws_services(parts), ids, self._sessions)
        self._function_urls = FunctionUrlGateway(parts)
        return gcp

    def _firestore_rules(self) -> str:
        """Return the rules of Firestore databases that have none of their own; raises `SettingsError`."""
        path = self.settings.firestore_rules
        if path is None:
            return ""
        from fogbank.languages.security_rules.errors import RulesError  # noqa: PLC0415 - loaded if there are such
        from fogbank.languages.security_rules.rulesets import parse_rules  # noqa: PLC0415 - loaded if there are such

        try:
            text = path.read_text()
            parse_rules(text)
        except (OSError, UnicodeDecodeError, RulesError) as error:
            msg = f"firestore_rules: {path}: {error}"
            raise SettingsError(msg) from None
        return text

    def _tables(self, gcp: GcpGateway) -> Tables:
        """Return what reads the names of all clouds' collections of documents."""
        store, clock, ids = self.store, self.clock, self.ids
        # A table's mere name is tried last.
        return Tables((gcp_table(lambda: gcp.parts), azure_table(store, ids), aws_table(store, clock, ids)))

    def _add(self, part: P) -> P:
        """Have a part started once everything is there, and closed before what was added earlier."""
        self._parts.append(part)
        self._stack.push_async_callback(part.close)
        return part


def reachable(host: str, port: int) -> str:
    """Return where a server that listens on an address is reached from this machine."""
    return f"http://{_bracketed('127.0.0.1' if host in EVERYWHERE else host)}:{port}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
