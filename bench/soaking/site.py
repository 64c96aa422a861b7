"""The server of a long run: its documents, its configuration, starting and ending it."""

from __future__ import annotations

import base64
import hashlib
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from .watch import USER

SOURCE = Path(__file__).resolve().parents[2]
MODULES = Path("/usr/lib/apache2/modules")
NAMES = """
    authz_core authz_user authn_core authn_file auth_basic alias dir mime env setenvif headers deflate
    cgid reqtimeout status socache_shmcb ssl slotmem_shm proxy proxy_http proxy_balancer lbmethod_byrequests
""".split()
PREFORK_NAMES = ["cgi" if name == "cgid" else name for name in NAMES]

CONFIGURATION = """
ServerRoot "{root}"
ServerName soak.example
PidFile run/httpd.pid
DefaultRuntimeDir run
ErrorLog logs/error.log
LogLevel notice
User {user}
Group {user}
Listen 127.0.0.1:{port}
Listen 127.0.0.1:{tls_port}
Include conf/changing.conf
{mpm}
Timeout 6
KeepAlive On
KeepAliveTimeout 3
MaxKeepAliveRequests 0
RequestReadTimeout header=4-8,MinRate=500 body=4,MinRate=500
Mutex sysvsem default
{script_sock}
TypesConfig /etc/mime.types
DocumentRoot "{root}/site"
# Number of the request, status, child.
LogFormat "%{{n}}i %>s %P" soak
CustomLog logs/access.log soak
CustomLog "|$/bin/cat >>{root}/logs/piped.log" soak
<Directory "{root}/site">
    AllowOverride All
    Require all granted
</Directory>
ScriptAlias /cgi/ "{root}/site/cgi/"
<Location /echo>
    SetHandler soak-echo
</Location>
<Location /count>
    SetHandler soak-count
</Location>
<Location /crash>
    SetHandler soak-crash
</Location>
<Location /deflated>
    SetOutputFilter DEFLATE
</Location>
<Proxy balancer://two>
    BalancerMember http://127.0.0.1:{port}
</Proxy>
ProxyPass /balanced/ balancer://two/
SSLSessionCache shmcb:run/ssl_cache(512000)
<VirtualHost 127.0.0.1:{tls_port}>
    SSLEngine on
    SSLCertificateFile conf/cert.pem
    SSLCertificateKeyFile conf/key.pem
</VirtualHost>
{more}
"""

MPM = {
    "event": """
StartServers 2
ServerLimit 8
ThreadsPerChild 32
MaxRequestWorkers 256
MinSpareThreads 16
MaxSpareThreads 256
""",
    "prefork": """
StartServers 8
MinSpareServers 8
MaxSpareServers 60
ServerLimit 96
MaxRequestWorkers 96
""",
}
MPM["worker"] = MPM["event"]


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Site:
    """Documents with known contents."""

    def __init__(self, root: Path):
        self.root = root
        self.digests: dict[str, tuple[int, str]] = {}
        for directory in ("conf", "logs", "run", "site/auth", "site/cgi", "site/deflated"):
            (root / directory).mkdir(parents=True)
        os.chmod(root, 0o755)
        chance = random.Random(4)
        self.file("small.txt", b"a small page\n" * 20)
        self.file("middle.bin", chance.randbytes(60_000))
        self.file("large.bin", chance.randbytes(3 << 20))
        self.file("deflated/text.txt", b"what can be deflated\n" * 300)
        self.file("auth/secret.txt", b"for ann\n")
        self.htaccess(0)
        password = base64.b64encode(hashlib.sha1(b"right").digest()).decode()
        (root / "conf/users").write_text("ann:{SHA}" + password + "\n")
        program = root / "site/cgi/hello"
        program.write_text(
            "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\nhello from a program\\n'\n"
            '[ -z "$CONTENT_LENGTH" ] || exec cat\n'
        )
        program.chmod(0o755)
        # The command sends its file-creation notices nowhere.
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-subj", "/CN=soak.example", "-days", "3", "-keyout", str(root / "conf/key.pem"),
             "-out", str(root / "conf/cert.pem")],
            check=True, capture_output=True,
        )

    def file(self, name: str, content: bytes) -> None:
        (self.root / "site" / name).write_bytes(content)
        self.digests[name] = (len(content), hashlib.sha256(content).hexdigest())

    def htaccess(self, number: int) -> None:
        """Replaces the file as a whole, so that nobody reads half of it."""
        new = self.root / "site/auth/.new"
        new.write_text(
            f"AuthType Basic\nAuthName soak\nAuthUserFile {self.root}/conf/users\n"
            f"Require valid-user\nHeader set X-Htaccess {number}\n"
        )
        new.rename(self.root / "site/auth/.htaccess")


class Server:
    """One server in a directory of its own."""

    def __init__(self, program: str, mpm: str, with_modules: list[str] = (), keep: bool = False):
        self.keep = keep
        self.mpm = mpm
        self.root = Path(tempfile.mkdtemp(prefix="httpd-soak-"))
        self.site = Site(self.root)
        self.port, self.tls_port, self.second_port = free_ports(3)
        self.environment = dict(os.environ, RUST_LIB_BACKTRACE="0")
        self.configuration = self.root / "conf/httpd.conf"
        self.change(0)
        names = list(PREFORK_NAMES if mpm == "prefork" else NAMES)
        self.socket_line = "" if mpm == "prefork" else "ScriptSock cgid.sock"
        self.write_configuration(names, with_modules)
        self.program = str(Path(program).resolve()) if "/" in program else shutil.which(program)
        self.process: subprocess.Popen | None = None

    def change(self, number: int, second_port: bool = False, broken: bool = False) -> None:
        """The part of the configuration that changes while the server runs."""
        text = f"Define GENERATION_{number}\nHeader always set X-Configuration {number}\n"
        text = f"<IfModule headers_module>\n{text}</IfModule>\n"
        if second_port:
            text += f"Listen 127.0.0.1:{self.second_port}\n"
        if broken:
            text += "ThereIsNoSuchDirective on\n"
        new = self.root / "conf/changing.new"
        new.write_text(text)
        new.rename(self.root / "conf/changing.conf")

    def write_configuration(self, names: list[str], with_modules: list[str]) -> None:
        lines = [f"LoadModule mpm_{self.mpm}_module {MODULES}/mod_mpm_{self.mpm}.so"]
        lines += [f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in names]
        lines.append(f"LoadModule soak_module {self.compiled()}")
        more = "".join(self.other(name) for name in with_modules)
        text = CONFIGURATION.format(
            root=self.root, port=self.port, tls_port=self.tls_port, mpm=MPM[self.mpm], more=more,
            script_sock=self.socket_line, user=USER,
        )
        self.configuration.write_text("\n".join(lines) + text)

    def compiled(self) -> Path:
        source = self.root / "conf/mod_soak.c"
        shutil.copy(SOURCE / "tests/c-modules/mod_soak.c", source)
        subprocess.run(["apxs", "-c", source.name], cwd=source.parent, check=True, capture_output=True)
        return source.parent / ".libs/mod_soak.so"

    def other(self, name: str) -> str:
        """Configuration for one of other people's modules."""
        fetched = subprocess.run(
            [SOURCE / "scripts/fetch-module-packages.sh"], check=True, capture_output=True, text=True
        )
        root = fetched.stdout.strip()
        places = ["usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu", "usr/lib"]
        self.environment["LD_LIBRARY_PATH"] = ":".join(f"{root}/{place}" for place in places)
        if name == "wsgi":
            (self.root / "site/app.wsgi").write_text(
                "def application(environ, start_response):\n"
                "    start_response('200 OK', [('Content-Type', 'text/plain')])\n"
                "    return [b'wsgi\\n']\n"
            )
            return (
                f"LoadModule wsgi_module {root}/usr/lib/apache2/modules/mod_wsgi.so\n"
                f"WSGIScriptAlias /wsgi {self.root}/site/app.wsgi\n"
                "WSGIDaemonProcess soak processes=1 threads=2\n"
                "<Location /wsgi/daemon>\nWSGIProcessGroup soak\n</Location>\n"
            )
        if name == "security2":
            return (
                f"LoadModule unique_id_module {MODULES}/mod_unique_id.so\n"
                f"LoadModule security2_module {root}/usr/lib/apache2/modules/mod_security2.so\n"
                "SecDataDir run\nSecTmpDir run\nSecRuleEngine On\nSecRequestBodyAccess On\n"
                f"SecUnicodeMapFile {root}/etc/modsecurity/unicode.mapping 20127\n"
                f"Include {root}/etc/modsecurity/crs/crs-setup.conf\n"
                f"Include {root}/usr/share/modsecurity-crs/rules/*.conf\n"
            )
        raise SystemExit(f"soak: no configuration for mod_{name}")

    def start(self) -> None:
        console = open(self.root / "logs/console.log", "ab")
        self.process = subprocess.Popen(
            [self.program, "-d", self.root, "-f", self.configuration, "-DFOREGROUND"],
            stdin=subprocess.DEVNULL, stdout=console, stderr=console, env=self.environment,
            start_new_session=True,
        )
        self.wait_until("listens", self.listens)
        time.sleep(0.5)

    def listens(self) -> bool:
        if self.process.poll() is not None:
            raise SystemExit(f"soak: the server ended: {self.process.returncode}\n{self.messages()[-3000:]}")
        try:
            socket.create_connection(("127.0.0.1", self.port), 5).close()
            return True
        except ConnectionRefusedError:
            return False

    def wait_until(self, what: str, condition, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise SystemExit(f"soak: waited in vain until the server {what}\n{self.messages()[-3000:]}")
            time.sleep(0.02)

    @property
    def pid(self) -> int:
        return self.process.pid

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def messages(self) -> str:
        text = ""
        for name in ("console.log", "error.log"):
            path = self.root / "logs" / name
            text += path.read_text(errors="replace") if path.exists() else ""
        return text

    def stop(self) -> int | None:
        """Ends the server; answers its exit code, None when it had to be killed."""
        if self.process is None:
            return 0
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            return None

    def remove(self) -> None:
        if not self.keep:
            shutil.rmtree(self.root, ignore_errors=True)
