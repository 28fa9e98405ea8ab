"""What a function can't reach: each attempt is made by a function, in every kind of sandbox that there is."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import textwrap
import urllib.request
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from fogbank.runtimes import nursery
from fogbank.runtimes.inside.kernel.kernel_calls import landlock_version
from fogbank.runtimes.lambda_runtime_api.contract import LambdaContract
from fogbank.runtimes.model import Mounts
from fogbank.runtimes.nursery import Tier
from fogbank.settings import Settings, SettingsError
from fogbank.testing.server import ThreadedServer
from tests.conformance.aws.functions import ROLE, deploy, running
from tests.conformance.aws.test_lambda_invoke import invoke, wait_for
from tests.conformance.aws.test_lambda_runtimes import BOOTSTRAP, create, curl, node
from tests.conformance.conftest import boto3_client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# The names of what a sandbox is made from: users of functions' own, a user namespace, neither.
OWN_USERS, USER_NAMESPACE, PROCESS = "own users", "user namespace", "process"
TRY = """
    import ctypes, os, signal, socket, subprocess
    def attempt(work):
        try:
            return str(work())
        except OSError as error:
            return error.strerror
    def handler(event, context):
        libc = ctypes.CDLL(None, use_errno=True)
        def call(number, *arguments):
            return os.strerror(ctypes.get_errno()) if libc.syscall(number, *arguments) < 0 else "done"
        return {ATTEMPTS}
"""


everywhere = pytest.mark.parametrize("sandbox", [OWN_USERS, USER_NAMESPACE, PROCESS], indirect=True)
isolated = pytest.mark.parametrize("sandbox", [OWN_USERS, USER_NAMESPACE], indirect=True)


@pytest.fixture(scope="module")
def sandbox(request: pytest.FixtureRequest) -> Iterator[ThreadedServer]:
    kind = request.param
    if kind == OWN_USERS and os.geteuid() != 0:
        pytest.skip("needs root: only root can give functions users of their own")
    with pytest.MonkeyPatch.context() as patch:
        if kind == USER_NAMESPACE:
            patch.setattr(nursery, "tiers", lambda **_: [Tier("B", own_users=False)])
        settings = Settings(port=0, memory=True, sandbox="process" if kind == PROCESS else "auto")
        with ThreadedServer(settings) as server:
            assert server.app.runner.tier == Tier("A" if kind == PROCESS else "B", own_users=kind == OWN_USERS)
            yield server


@pytest.fixture
def lambda_(sandbox: ThreadedServer, account: str) -> Any:
    return boto3_client(sandbox, account)("lambda")


TRY_NODE = """
    const fs = require("node:fs"), os = require("node:os"), { execFileSync } = require("node:child_process");
    const attempt = (work) => {
        try { return String(work()); } catch (error) { return String(error.code ?? error.status); }
    };
    exports.handler = async () => ({ATTEMPTS});
"""


def node_attempts(lambda_: Any, **tries: str) -> dict[str, str]:
    body = ", ".join(f"{name}: attempt(() => {expression})" for name, expression in tries.items())
    create(lambda_, "nodejs20.x", {"index.js": TRY_NODE.replace("ATTEMPTS", body)})
    return invoke(lambda_)[0]


def attempts(lambda_: Any, **tries: str) -> dict[str, str]:
    body = ", ".join(f"{name!r}: attempt(lambda: {expression})" for name, expression in tries.items())
    deploy(lambda_, "f", TRY.replace("ATTEMPTS", body), Timeout=20)
    return invoke(lambda_)[0]


@everywhere
def test_functions_run(lambda_: Any, sandbox: ThreadedServer) -> None:
    source = """
        import multiprocessing, os, pwd, sqlite3, ssl, subprocess, tempfile, threading
        def handler(event, context):
            with tempfile.NamedTemporaryFile(dir=os.environ["TMPDIR"]) as file:
                file.write(b"x")
            thread = threading.Thread(target=print, args=("from a thread",))
            thread.start()
            thread.join()
            lock = multiprocessing.Lock()
            said = subprocess.run(["echo", "hello"], capture_output=True, text=True).stdout
            row = sqlite3.connect(":memory:").execute("SELECT 1").fetchone()
            return [said, row, os.getcwd(), context.function_name]
    """
    deploy(lambda_, "f", source, Timeout=20)
    said, row, folder, name = invoke(lambda_)[0]
    assert (said, row, name) == ("hello\n", [1], "f")
    assert (folder == "/var/task") is (sandbox.app.runner.tier.name == "B")


@curl
@everywhere
def test_a_layer_brings_a_runtime(lambda_: Any) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o755 << 16
        archive.writestr(entry, textwrap.dedent(BOOTSTRAP).lstrip())
    layer = lambda_.publish_layer_version(LayerName="shell", Content={"ZipFile": buffer.getvalue()})
    deploy(lambda_, "f", "", Runtime="provided.al2023", Layers=[layer["LayerVersionArn"]], Timeout=20, MemorySize=256)
    assert invoke(lambda_, 1)[0] == {"echo": 1}


@isolated
def test_the_machine_s_files_are_not_there(lambda_: Any, tmp_path: Path) -> None:
    secret = tmp_path.parent.parent.parent / f"secret-{os.getpid()}"
    secret.write_text("secret")
    tried = attempts(
        lambda_,
        home="os.listdir('/home')",
        secret=f"open({str(secret)!r}).read()",
        passwords="open('/etc/shadow').read()",
        root="os.listdir('/root/.ssh')",
        sys="os.listdir('/sys/fs')",
        users="len(open('/etc/passwd').readlines())",
        code="open('/var/task/new.py', 'w')",
        programs="open('/usr/bin/new', 'w')",
        place="os.mkdir('/new')",
        kernel="open('/proc/sys/kernel/hostname', 'w').write('x')",
        memory="open('/dev/mem', 'rb')",
    )
    secret.unlink()
    gone = {name: tried[name] for name in ("home", "secret", "passwords", "root", "sys", "memory")}
    assert gone == dict.fromkeys(gone, "No such file or directory")
    assert tried["users"] == "2"
    refused = {tried[name] for name in ("code", "programs", "place", "kernel")}
    assert refused <= {"Read-only file system", "Permission denied"}


@pytest.mark.parametrize("sandbox", [PROCESS], indirect=True)
def test_without_isolation_landlock_closes_the_machine_s_files(lambda_: Any, tmp_path: Path) -> None:
    if not landlock_version():
        pytest.skip("needs Landlock: this kernel has none")
    (tmp_path / "secret").write_text("secret")
    tried = attempts(
        lambda_,
        secret=f"open({str(tmp_path / 'secret')!r}).read()",
        home="os.listdir('/root')",
        code="open(os.environ['LAMBDA_TASK_ROOT'] + '/new.py', 'w')",
        passwords="open('/etc/shadow').read()",
        users="len(open('/etc/passwd').readlines()) > 1",
        tmp="open(os.environ['TMPDIR'] + '/new', 'w').write('x')",
    )
    denied = {name: tried.pop(name) for name in ("secret", "home", "code", "passwords")}
    assert denied == dict.fromkeys(denied, "Permission denied")
    assert tried == {"users": "True", "tmp": "1"}


@isolated
def test_another_function_s_code_and_files_are_not_there(lambda_: Any) -> None:
    deploy(lambda_, "g", "import os\nopen('/tmp/mine', 'w')\ndef handler(event, context): return os.listdir('/tmp')")
    assert "mine" in invoke(lambda_, name="g")[0]
    tried = attempts(lambda_, code="os.listdir('/var/task')", tmp="os.listdir('/tmp')")
    assert tried["code"] == "['app.py']"
    assert "mine" not in tried["tmp"]


@isolated
def test_other_processes_are_neither_seen_nor_reached(lambda_: Any) -> None:
    tried = attempts(
        lambda_,
        seen="[name for name in os.listdir('/proc') if name.isdigit()]",
        server=f"os.kill({os.getpid()}, 0)",
        keeper="os.kill(1, signal.SIGKILL)",
        alive="'yes'",
    )
    assert tried["seen"] == "['1', '2']"
    assert tried["server"] == "No such process"
    assert tried["alive"] == "yes"


@isolated
def test_calls_of_the_kernel_that_no_function_needs_are_refused(lambda_: Any) -> None:
    tried = attempts(
        lambda_,
        mount="call(165, b'none', b'/tmp', b'tmpfs', 0, 0)",
        unshare="call(272, 0x10000000)",
        trace="call(101, 0, 0, 0, 0)",
        bpf="call(321, 0, 0, 0)",
        user="os.setuid(0)",
        chroot="os.chroot('/tmp')",
        clock="__import__('time').clock_settime(0, 0)",
        raw="socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
    )
    if os.uname().machine != "x86_64":
        tried = {name: tried[name] for name in ("user", "chroot", "clock", "raw")}
    # In a user namespace there is no user 0 to become.
    assert tried.pop("user") in ("Operation not permitted", "Invalid argument")
    assert set(tried.values()) == {"Operation not permitted"}, tried


@everywhere
def test_the_control_api_is_closed_to_functions(lambda_: Any, sandbox: ThreadedServer) -> None:
    source = """
        import json, os, urllib.error, urllib.request
        def handler(event, context):
            found = []
            for method, path in (("GET", "health"), ("POST", "reset"), ("GET", "invocations"), ("GET", "functions")):
                url = os.environ["AWS_ENDPOINT_URL"] + "/_fogbank/" + path
                try:
                    found.append(urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=5).status)
                except urllib.error.HTTPError as error:
                    found.append(error.code)
            return found
    """
    deploy(lambda_, "f", source, Timeout=20)
    assert invoke(lambda_)[0] == [200, 403, 403, 403]
    with urllib.request.urlopen(f"{sandbox.url}/_fogbank/functions", timeout=5) as reply:
        assert reply.status == 200


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: only root can give functions users of their own")
def test_an_interpreter_below_the_layers_folder_is_still_there(
    tmp_path: Path, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As on machines whose Python or Java is below /opt, where layers are.
    tools = tmp_path / "opt" / "tools"
    tools.mkdir(parents=True)
    (tools / "tool").write_text("tool")
    found = nursery._shown
    monkeypatch.setattr(nursery, "_shown", lambda packages: [*found(packages), str(tools)])
    monkeypatch.setattr(LambdaContract, "mounts", Mounts("/var/task", str(tools.parent)))
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("python/layered.py", "LAYERED = 1")
        archive.writestr("plain.txt", "plain")
    with ThreadedServer(Settings(port=0, memory=True)) as server:
        lambda_ = boto3_client(server, account)("lambda")
        layer = lambda_.publish_layer_version(LayerName="l", Content={"ZipFile": content.getvalue()})
        source = f"""
            import layered
            def handler(event, context):
                try:
                    open("{tools.parent}/python/layered.py", "a")
                except OSError:
                    return [open("{tools}/tool").read(), open("{tools.parent}/plain.txt").read()]
        """
        deploy(lambda_, "f", source, Layers=[layer["LayerVersionArn"]], Timeout=20)
        assert invoke(lambda_)[0] == ["tool", "plain"]


JAVA = """
    public class Hello {
        public static String handle(String name) throws Exception {
            java.io.File.createTempFile("hello", null);
            return "Hello " + name;
        }
    }
"""
RUBY = """
    require "tempfile"
    def handler(event:, context:)
      Tempfile.create("hello") { "Hello #{event}" }
    end
"""


@everywhere
@pytest.mark.skipif(shutil.which("javac") is None, reason="needs Java: apt install default-jdk-headless")
def test_java_runs(lambda_: Any, tmp_path: Path) -> None:
    (tmp_path / "Hello.java").write_text(JAVA)
    subprocess.run(["javac", "--release", "11", str(tmp_path / "Hello.java")], check=True)
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.write(tmp_path / "Hello.class", "Hello.class")
    settings = {"Runtime": "java17", "Handler": "Hello::handle", "Role": ROLE, "Timeout": 20}
    lambda_.create_function(FunctionName="f", Code={"ZipFile": code.getvalue()}, **settings)
    assert invoke(lambda_, "Ada")[0] == "Hello Ada"


@everywhere
@pytest.mark.skipif(shutil.which("ruby") is None, reason="needs Ruby: apt install ruby")
def test_ruby_runs(lambda_: Any) -> None:
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("app.rb", textwrap.dedent(RUBY))
    settings = {"Runtime": "ruby3.3", "Handler": "app.handler", "Role": ROLE, "Timeout": 20}
    lambda_.create_function(FunctionName="f", Code={"ZipFile": code.getvalue()}, **settings)
    assert invoke(lambda_, "Ada")[0] == "Hello Ada"


TELLING = """
    #!/bin/sh
    api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
    while true; do
        head=$(mktemp)
        curl -sS -D "$head" "$api/invocation/next" >/dev/null || exit 1
        id=$(grep -i lambda-runtime-aws-request-id "$head" | tr -d '\\r' | cut -d' ' -f2)
        curl -sS -X POST "$api/invocation/$id/response" -d "\\"$api\\"" >/dev/null
    done
"""


@everywhere
@curl
def test_another_function_s_runtime_api_is_closed(lambda_: Any) -> None:
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o755 << 16
        archive.writestr(entry, textwrap.dedent(TELLING).lstrip())
    settings = {"Runtime": "provided.al2023", "Handler": "h", "Role": ROLE, "Timeout": 20}
    lambda_.create_function(FunctionName="f", Code={"ZipFile": code.getvalue()}, **settings)
    api = invoke(lambda_)[0]
    source = f"""
        import urllib.error, urllib.request
        def handler(event, context):
            found = []
            for path, body in (("invocation/next", None), ("init/error", b"{{}}"), ("invocation/x/response", b"1")):
                try:
                    urllib.request.urlopen("{api}/" + path, body, timeout=5)
                except urllib.error.HTTPError as error:
                    found.append([error.code, error.read().decode()])
            return found
    """
    deploy(lambda_, "g", source, Timeout=20)
    refusal = [403, '{"errorMessage":"This is the Runtime API of another function","errorType":"Forbidden"}']
    assert invoke(lambda_, name="g")[0] == [refusal] * 3
    assert invoke(lambda_)[0] == api


@everywhere
def test_memory_beyond_the_limit_ends_the_function(lambda_: Any) -> None:
    deploy(lambda_, "f", "def handler(event, context): return len(b'x' * event)", MemorySize=128, Timeout=20)
    assert invoke(lambda_, 1_000_000)[0] == 1_000_000
    payload, reply = invoke(lambda_, 600_000_000)
    assert reply["FunctionError"] == "Unhandled"
    assert payload["errorType"] == "Runtime.ExitError"
    assert payload["errorMessage"].endswith("Runtime exited with error: signal: killed")
    assert invoke(lambda_, 1)[0] == 1


@everywhere
def test_endless_forks_end_with_the_function(lambda_: Any) -> None:
    mark = f"302.{os.getpid()}"
    source = f"""
        import os, subprocess
        def handler(event, context):
            started = 0
            try:
                while True:
                    subprocess.Popen(["sleep", "{mark}"], start_new_session=True)
                    started += 1
            except OSError:
                return started
    """
    deploy(lambda_, "f", source, Timeout=60, MemorySize=2048)
    payload, _ = invoke(lambda_)
    if isinstance(payload, int):
        assert payload <= 1_024
        lambda_.delete_function(FunctionName="f")
    wait_for(lambda: not running(f"sleep {mark}"))


@everywhere
def test_nothing_is_shared_between_instances(lambda_: Any) -> None:
    source = """
        import random, time, uuid
        CHANCE = [random.random(), str(uuid.uuid4())]
        def handler(event, context):
            time.sleep(0.3)
            return CHANCE
    """
    deploy(lambda_, "f", source, Timeout=20)
    found = in_parallel(lambda: invoke(lambda_)[0], 3)
    assert len({json.dumps(chance) for chance in found}) == 3
    assert len({chance[0] for chance in found}) == 3


def in_parallel(work: Callable[[], Any], count: int) -> list[Any]:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(count) as pool:
        return [each.result() for each in [pool.submit(work) for _ in range(count)]]


def test_strict_refuses_to_start_where_functions_cannot_be_isolated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nursery, "tiers", lambda **_: [Tier("A", own_users=False)])
    with (
        pytest.raises(SettingsError, match="can't be isolated"),
        ThreadedServer(Settings(port=0, memory=True, sandbox="strict")),
    ):
        pass


@node
@isolated
def test_the_machine_s_files_are_not_there_for_node(lambda_: Any, tmp_path: Path) -> None:
    secret = tmp_path.parent.parent.parent / f"secret-node-{os.getpid()}"
    secret.write_text("secret")
    tried = node_attempts(
        lambda_,
        home="fs.readdirSync('/home')",
        secret=f"fs.readFileSync({str(secret)!r})",
        passwords="fs.readFileSync('/etc/shadow')",
        sys="fs.readdirSync('/sys/fs')",
        memory="fs.openSync('/dev/mem')",
        users="fs.readFileSync('/etc/passwd', 'utf8').trim().split('\\n').length",
        code="fs.writeFileSync('/var/task/new.js', '')",
        programs="fs.writeFileSync('/usr/bin/new', '')",
        place="fs.mkdirSync('/new')",
        kernel="fs.writeFileSync('/proc/sys/kernel/hostname', 'x')",
        server=f"process.kill({os.getpid()}, 0)",
        keeper="fs.readFileSync('/proc/1/environ')",
        user="process.setuid(0)",
        seen="fs.readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name))",
        own="fs.readdirSync('/proc/self/fd').length > 3",
        task="fs.readdirSync('/var/task')",
        tmp="fs.readdirSync('/tmp')",
        tmp_write="fs.writeFileSync('/tmp/x', 'x')",
        namespace="execFileSync('unshare', ['-U', 'true'], { stdio: 'ignore' })",
        home_of_user="os.userInfo().username",
    )
    secret.unlink()
    gone = {name: tried[name] for name in ("home", "secret", "passwords", "sys", "memory")}
    assert gone == dict.fromkeys(gone, "ENOENT")
    assert {tried[name] for name in ("code", "programs", "place", "kernel")} <= {"EROFS", "EACCES"}
    assert (tried["server"], tried["users"], tried["own"]) == ("ESRCH", "2", "true")
    assert tried["keeper"] in ("EACCES", "EPERM")
    assert tried["user"] in ("EPERM", "EINVAL")
    assert (tried["seen"], tried["task"], tried["tmp"]) == ("1,2", "index.js", "")
    assert tried["tmp_write"] == "undefined"
    assert tried["namespace"] == "1", "what unshare ends with when it is refused"
    assert tried["home_of_user"] == "sbx_user1051"


@node
@everywhere
def test_what_node_functions_see_of_themselves(lambda_: Any, sandbox: ThreadedServer) -> None:
    source = """
        import { readFileSync } from "node:fs";
        export const handler = async () => ({
            user: process.getuid(), groups: process.getgroups(), argv: process.argv, options: process.execArgv,
            folder: process.cwd(), variables: process.env, initially: readFileSync("/proc/self/environ", "utf8"),
            capabilities: /CapEff:\\s*(\\w+)/.exec(readFileSync("/proc/self/status", "utf8"))[1],
            privileges: /NoNewPrivs:\\s*(\\d)/.exec(readFileSync("/proc/self/status", "utf8"))[1],
        });
    """
    variables = {"Variables": {"OWN": "1", "TZ": "Europe/Vienna"}}
    create(lambda_, "nodejs20.x", {"index.mjs": source}, Environment=variables)
    told = invoke(lambda_)[0]
    tier = sandbox.app.runner.tier
    assert told["argv"][1].endswith("lambda_node.js")
    assert len(told["argv"]) == 2
    assert all(option.startswith("--") for option in told["options"])
    assert (told["variables"]["OWN"], told["variables"]["TZ"]) == ("1", "Europe/Vienna")
    assert "PYTEST_CURRENT_TEST" not in told["variables"]
    assert "PYTEST_CURRENT_TEST" not in told["initially"]
    assert told["privileges"] == "1"
    if tier.name == "B":
        assert (told["folder"], told["capabilities"]) == ("/var/task", "0" * 16)
    if tier.own_users:
        assert told["user"] >= nursery.PROGRAMS_FROM
        assert set(told["groups"]) <= {told["user"]}


@node
@everywhere
def test_memory_beyond_the_limit_ends_a_node_function(lambda_: Any) -> None:
    source = "exports.handler = async (size) => Buffer.alloc(size, 1).length;"
    create(lambda_, "nodejs20.x", {"index.js": source}, MemorySize=128)
    assert invoke(lambda_, 1_000_000)[0] == 1_000_000
    payload, reply = invoke(lambda_, 600_000_000)
    assert (reply["FunctionError"], payload["errorType"]) == ("Unhandled", "Runtime.ExitError")
    assert payload["errorMessage"].endswith("Runtime exited with error: signal: killed")
    assert invoke(lambda_, 1)[0] == 1


@node
@everywhere
def test_nothing_is_shared_between_node_instances(lambda_: Any) -> None:
    source = """
        const chance = [Math.random(), require("node:crypto").randomUUID()];
        exports.handler = () => new Promise((done) => setTimeout(() => done(chance), 300));
    """
    create(lambda_, "nodejs20.x", {"index.js": source})
    found = in_parallel(lambda: invoke(lambda_)[0], 3)
    assert len({chance[0] for chance in found}) == len({chance[1] for chance in found}) == 3


@node
@everywhere
def test_variables_that_node_reads_at_its_start(lambda_: Any) -> None:
    source = "exports.handler = async () => [process.execArgv.length, process.title, process.env.NODE_OPTIONS];"
    variables = {"Variables": {"NODE_OPTIONS": "--title=own"}}
    create(lambda_, "nodejs20.x", {"index.js": source}, Environment=variables)
    assert invoke(lambda_)[0][1:] == ["own", "--title=own"]


@node
@everywhere
def test_a_layer_s_node_modules(lambda_: Any) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("nodejs/node_modules/greetings/index.js", "module.exports = 'moin';")
    layer = lambda_.publish_layer_version(LayerName="words", Content={"ZipFile": buffer.getvalue()})
    source = "exports.handler = async () => require('greetings');"
    create(lambda_, "nodejs20.x", {"index.js": source}, Layers=[layer["LayerVersionArn"]])
    assert invoke(lambda_)[0] == "moin"
