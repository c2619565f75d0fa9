"""Debian's RabbitMQ as a child of ours: a private directory, free loopback ports, its own cookie and port mapper.

Nothing of the system's own RabbitMQ is read or changed, and nobody has to be root.
"""

import os
import re
import secrets
import signal
import struct
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import amqp
import httpx

from config.embedded.children import end, start, wait_until
from config.embedded.server import Server
from config.embedded.valkey import LOOPBACK
from tests.servers import debian
from tests.servers.broker import Broker
from tests.servers.wire import keep_port

USER, NODE = "jobs", "jobs@localhost"
SECONDS = 60.0  # for an answer: a broker that has just started is slow
LISTENING = 30.0  # seconds for the port mapper
PORTS = ("amqp", "management", "metrics", "erlang", "mapper")
# Queues are listed over HTTP and messages counted by the metrics page. Nothing is sampled: both answer at once.
PLUGINS = "[rabbitmq_management, rabbitmq_prometheus].\n"
CONFIGURATION = """\
listeners.tcp.1 = {host}:{ports[amqp]}
management.tcp.ip = {host}
management.tcp.port = {ports[management]}
management_agent.disable_metrics_collector = true
prometheus.tcp.ip = {host}
prometheus.tcp.port = {ports[metrics]}
default_user = {user}
default_pass = {password}
log.console = true
log.console.level = warning
log.file = false
disk_free_limit.absolute = 1MB
"""
# Two schedulers that do not spin: the machine is shared. Erlang's own network is for this machine alone.
VIRTUAL_MACHINE = "-noinput +S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}"
HEADERS_ONLY = b"\x20\x00"  # the flags that say which properties follow
RECEIVED = re.compile(r'^rabbitmq_global_messages_routed_total\{protocol="amqp091"\} (\d+)', re.MULTILINE)


class RabbitMQ(Server):
    """A node of our own; ports, password and cookie are chosen once and stay over restarts."""

    name = "rabbitmq"
    stop_steps = ((signal.SIGTERM, 20.0),)

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.password = secrets.token_urlsafe(18)
        self.ports: dict[str, int] = {}
        self.answered = False
        self._mapper: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"amqp://{USER}:{self.password}@{LOOPBACK}:{self.ports['amqp']}//"

    def prepare(self) -> None:
        """Write the configuration, with new ports while no client can know the old ones."""
        if not self.answered:
            with ExitStack() as together:  # or one might be given twice
                kept = {name: together.enter_context(keep_port()) for name in PORTS}
                self.ports = {name: port.getsockname()[1] for name, port in kept.items()}
        text = CONFIGURATION.format(host=LOOPBACK, ports=self.ports, user=USER, password=self.password)
        self._write("rabbitmq.conf", text)
        self._write("enabled_plugins", PLUGINS)
        self._write("environment", "")  # instead of the one in /etc
        if not (self.directory / ".erlang.cookie").exists():
            self._write(".erlang.cookie", secrets.token_hex(16))

    def _write(self, name: str, text: str) -> None:
        file = self.directory / name
        file.touch(mode=0o600)
        file.write_text(text)

    @property
    def environment(self) -> dict[str, str]:
        """What the server's programs need to know; `rabbitmqctl` too."""
        paths = {
            "HOME": "",
            "RABBITMQ_MNESIA_BASE": "data",
            "RABBITMQ_LOG_BASE": "logs",
            "RABBITMQ_CONFIG_FILE": "rabbitmq.conf",
            "RABBITMQ_ADVANCED_CONFIG_FILE": "advanced.config",
            "RABBITMQ_ENABLED_PLUGINS_FILE": "enabled_plugins",
            "RABBITMQ_CONF_ENV_FILE": "environment",
        }
        return {
            **{name: str(self.directory / path) for name, path in paths.items()},
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "RABBITMQ_NODENAME": NODE,
            "RABBITMQ_NODE_PORT": str(self.ports["amqp"]),
            "RABBITMQ_DIST_PORT": str(self.ports["erlang"]),
            "RABBITMQ_ALLOW_INPUT": "1",  # no shell between us and the server: a signal for it reaches it
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": VIRTUAL_MACHINE,
            "ERL_EPMD_ADDRESS": LOOPBACK,
            "ERL_EPMD_PORT": str(self.ports["mapper"]),
            "ERL_FLAGS": "-start_epmd false",  # it would become a daemon that nobody ends; it is our child instead
        }

    def launch(self) -> subprocess.Popen[bytes]:
        self._start_mapper()
        server = debian.program("rabbitmq-server")
        return start([server], log=self.log, environment=self.environment, cwd=self.directory)

    def _start_mapper(self) -> None:
        """Start epmd, through which Erlang's programs find each other's ports."""
        self._end_mapper()
        command = ["epmd", "-address", LOOPBACK, "-port", str(self.ports["mapper"])]
        self._mapper = start(command, log=self.log, environment=self.environment)
        names = ["epmd", "-port", str(self.ports["mapper"]), "-names"]
        wait_until(
            lambda: subprocess.run(names, env=self.environment, capture_output=True).returncode == 0, seconds=LISTENING
        )

    def _end_mapper(self) -> None:
        if self._mapper is not None:
            end(self._mapper)

    def ready(self) -> bool:
        """Tell whether it takes a client's login: it listens last of all that it starts."""
        try:
            self.connect().close()
        except (OSError, amqp.AMQPError):
            return False
        self.answered = True
        return True

    def connect(self) -> amqp.Connection:
        """A new connection with publisher confirms; the caller closes it."""
        host = f"{LOOPBACK}:{self.ports['amqp']}"
        connection = amqp.Connection(
            host, USER, self.password, connect_timeout=SECONDS, read_timeout=SECONDS, confirm_publish=True
        )
        connection.connect()
        return connection

    def control(self, *arguments: str) -> None:
        """Run `rabbitmqctl` with these arguments."""
        program = debian.program("rabbitmq-server").with_name("rabbitmqctl")
        subprocess.run([program, *arguments], env=self.environment, check=True, capture_output=True)

    def stop(self) -> None:
        super().stop()
        self._end_mapper()

    def kill(self) -> None:
        wait_until(self._knows_its_queues, seconds=SECONDS)
        super().kill()
        self._end_mapper()

    def _knows_its_queues(self) -> bool:
        """Tell whether the list of queues is on the disk, which takes half a second.

        A quorum queue that is not in it after a crash is there, answers a declare, and takes no message ever again.
        It must be deleted: see `runbooks/broker-lost.md`.
        """
        place = self.directory / "data" / NODE / "quorum" / NODE
        names = (place / "names.dets").read_bytes()
        return all(entry.name.encode() in names for entry in place.iterdir() if entry.is_dir())


class RabbitMQBroker(Broker):
    """A RabbitMQ. Queues go with their messages, which workers notice and Redis' ones never do."""

    name = "rabbitmq"

    def __init__(self, server: RabbitMQ) -> None:
        super().__init__(server)
        self._rabbit = server

    @property
    def ports(self) -> list[int]:
        return list(self._rabbit.ports.values())

    def length(self, queue: str) -> int:
        with self._rabbit.connect() as connection:
            try:
                return int(connection.channel().queue_declare(queue, passive=True).message_count)
            except amqp.NotFound:
                return 0

    def flush(self) -> None:
        with self._client() as client:
            for queue in client.get("/queues?disable_stats=true").raise_for_status().json():
                place = f"/queues/{quote(queue['vhost'], safe='')}/{quote(queue['name'], safe='')}"
                client.delete(place)  # an exclusive one may have gone meanwhile

    def put(self, queue: str, raw: bytes) -> None:
        self._publish(queue, amqp.Message(raw))

    def refuse(self) -> None:
        self.control("set_vm_memory_high_watermark", "0.000001")

    def accept(self) -> None:
        self.control("set_vm_memory_high_watermark", "0.4")

    def control(self, *arguments: str) -> None:
        """Run `rabbitmqctl` with these arguments."""
        self._rabbit.control(*arguments)

    def put_strange(self, queue: str) -> None:
        for message in strange():
            self._publish(queue, message)

    def _publish(self, queue: str, message: amqp.Message) -> None:
        with self._rabbit.connect() as connection:
            connection.channel().basic_publish(message, routing_key=queue, mandatory=True)

    def received(self) -> int:
        page = httpx.get(f"http://{LOOPBACK}:{self._rabbit.ports['metrics']}/metrics", timeout=SECONDS)
        found = RECEIVED.search(page.text)
        return int(found[1]) if found else 0

    def _client(self) -> httpx.Client:
        address = f"http://{LOOPBACK}:{self._rabbit.ports['management']}/api"
        return httpx.Client(base_url=address, auth=(USER, self._rabbit.password), timeout=SECONDS)


class Torn(amqp.Message):
    """A message whose header names are no UTF-8, which no client's library would send."""

    def _serialize_properties(self) -> bytes:
        header = bytes([2]) + b"\xff\xfe" + b"S" + struct.pack(">I", 1) + b"x"
        return HEADERS_ONLY + struct.pack(">I", len(header)) + header


def strange() -> Iterator[amqp.Message]:
    """Messages that make no sense to a worker, or not enough."""
    hint = {"task": "jobs.hint"}
    yield amqp.Message(b"")
    yield amqp.Message(b"\xff\xfe", content_type="application/json", content_encoding="utf-8")
    yield amqp.Message(b"not JSON", content_type="application/json", content_encoding="utf-8")
    yield amqp.Message(b"[1, 2]", content_type="application/json", content_encoding="no such encoding")
    yield amqp.Message(b"cos\nsystem\n", content_type="application/x-python-serialize", content_encoding="binary")
    yield amqp.Message(b"{}", content_type="application/json", application_headers=hint)  # no id
    for id_ in ("x", 5, None, [], {}):
        headers = {**hint, "id": id_, "eta": id_, "expires": id_, "timelimit": id_, "retries": id_}
        yield amqp.Message(b"{}", content_type="application/json", application_headers=headers)
        yield amqp.Message(b"\xff", content_type="of its own", application_headers={**hint, "id": id_})
    yield amqp.Message(b"{}", content_type="application/json", application_headers={"task": ["jobs.hint"], "id": "x"})
    yield amqp.Message(b"{}", application_headers={"task": {"a": "table"}, "id": "x"})
    yield amqp.Message(b"x" * 300_000, content_type="application/json", content_encoding="utf-8", priority=255)
    yield Torn(b"{}")
    yield Torn(b"")
